//! Counts the records of a TLS stream, without decrypting them.
//!
//! Source: RFC 8446, section 5.1.

/// The content type of a handshake record, with which a TLS stream starts.
const HANDSHAKE: u8 = 22;
/// The content type of an encrypted record.
const APPLICATION_DATA: u8 = 23;

/// The position in one direction of a TLS stream.
#[derive(Debug, Default)]
pub struct TlsRecords {
    header: Vec<u8>,
    /// The bytes of the current record that have not been seen.
    remaining: usize,
}

impl TlsRecords {
    /// Returns the start of a TLS stream; `None` if the first bytes are of another protocol.
    pub fn detect(first: &[u8]) -> Option<Self> {
        (first.first() == Some(&HANDSHAKE)).then(Self::default)
    }

    /// Returns the number of encrypted records that start in `bytes`.
    pub fn count(&mut self, mut bytes: &[u8]) -> usize {
        let mut encrypted = 0;
        while !bytes.is_empty() {
            let body = self.remaining.min(bytes.len());
            (self.remaining, bytes) = (self.remaining - body, &bytes[body..]);
            let header = (5 - self.header.len()).min(bytes.len());
            self.header.extend(&bytes[..header]);
            bytes = &bytes[header..];
            if let [kind, _, _, high, low] = self.header[..] {
                encrypted += usize::from(kind == APPLICATION_DATA);
                self.remaining = u16::from_be_bytes([high, low]).into();
                self.header.clear();
            }
        }
        encrypted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_counted_across_reads() {
        let hello = [22, 3, 1, 0, 2, 9, 9];
        let encrypted = [23, 3, 3, 0, 3, 23, 23, 23];
        let mut records = TlsRecords::detect(&hello).unwrap();
        assert_eq!(records.count(&hello), 0);
        assert_eq!(records.count(&[encrypted, encrypted].concat()), 2);
        assert_eq!(records.count(&encrypted[..3]), 0);
        assert_eq!(records.count(&encrypted[3..6]), 1);
        assert_eq!(records.count(&encrypted[6..]), 0);
        assert_eq!(records.count(&encrypted), 1);
        assert!(TlsRecords::detect(b"GET").is_none());
    }
}
