//! The fragmentation of a subnet as text: one character for each `/28` block.

use super::address_map::{AddressMap, Cell};

/// Characters in a line.
const WIDTH: usize = 64;
/// Lines of a subnet at most. In a larger subnet, a character stands for several blocks.
const LINES: usize = 8;

/// The states of a block: character and meaning.
pub(super) const LEGEND: [(char, &str); 6] = [
    ('.', "free"),
    ('r', "free in a prefix reservation"),
    ('P', "assigned as a prefix"),
    ('+', "partly in use"),
    ('#', "in use"),
    ('e', "in an explicit reservation"),
];

/// Returns the state of each block of a subnet.
pub(super) fn blocks(map: &AddressMap) -> String {
    map.cells()
        .map(|cell| match cell {
            Cell::Free => '.',
            Cell::Reserved => 'r',
            Cell::Prefix => 'P',
            Cell::Broken => '+',
            Cell::Full => '#',
            Cell::Explicit => 'e',
        })
        .collect()
}

/// Returns whether EC2 can assign the block as a prefix.
pub(super) fn is_free(block: char) -> bool {
    matches!(block, '.' | 'r')
}

/// Returns the number of blocks for which a character stands.
pub(super) fn blocks_per_character(blocks: &str) -> usize {
    blocks.len().div_ceil(WIDTH * LINES).next_power_of_two()
}

/// Returns the lines of a strip. If a character stands for several blocks, it is the number of free ones in
/// tenths, `.` if all are free, or `#` if none is.
pub(super) fn lines(blocks: &str) -> Vec<String> {
    let count = blocks_per_character(blocks);
    let characters: Vec<char> = blocks.chars().collect();
    let grouped: Vec<char> = match count {
        1 => characters,
        _ => characters.chunks(count).map(share).collect(),
    };
    grouped.chunks(WIDTH).map(|line| line.iter().collect()).collect()
}

/// Returns the character of several blocks.
fn share(blocks: &[char]) -> char {
    let free = blocks.iter().filter(|block| is_free(**block)).count();
    match free {
        0 => '#',
        all if all == blocks.len() => '.',
        some => u32::try_from(some * 10 / blocks.len())
            .ok()
            .and_then(|tenths| char::from_digit(tenths.max(1), 10))
            .unwrap_or('?'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::address_map::Reservation;

    #[test]
    fn each_block_has_a_character() {
        let net = |text: &str| text.parse().unwrap();
        let mut map = AddressMap::new(net("10.0.0.0/25")).unwrap();
        map.use_range(net("10.0.0.16/28"));
        map.use_range(net("10.0.0.32/29"));
        map.use_range(net("10.0.0.40/29"));
        map.reserve(net("10.0.0.64/28"), Reservation::Prefix);
        map.reserve(net("10.0.0.80/28"), Reservation::Explicit);
        let blocks = blocks(&map);
        assert_eq!(blocks, "+P#.re.+");
        assert_eq!(lines(&blocks), ["+P#.re.+"]);
        assert!(blocks.chars().all(|it| LEGEND.iter().any(|(character, _)| *character == it)));
    }

    #[test]
    fn a_large_subnet_has_several_blocks_for_each_character() {
        let blocks = "+.......".to_owned() + &".".repeat(4_072) + "#######r" + "########";
        let lines = lines(&blocks);
        assert_eq!(blocks_per_character(&blocks), 8);
        assert_eq!(lines.len(), 8);
        assert_eq!(lines[0], "8".to_owned() + &".".repeat(63));
        assert_eq!(lines[7], ".".repeat(62) + "1#");
    }

    #[test]
    fn a_line_has_64_blocks() {
        let lines = lines(&".".repeat(256));
        assert_eq!(lines, [".".repeat(64), ".".repeat(64), ".".repeat(64), ".".repeat(64)]);
    }
}
