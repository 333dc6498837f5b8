use super::commands;

#[track_caller]
fn assert_commands(script: &str, expected: &[&[&str]]) {
    assert_eq!(commands(script), expected, "{script}");
}

#[test]
fn commands_end_at_operators_and_lines() {
    assert_commands(
        "a 1 && b; c | d &\ne \\\n  2 # comment\nf#g",
        &[&["a", "1"], &["b"], &["c"], &["d"], &["e", "2"], &["f#g"]],
    );
}

#[test]
fn quotes_are_removed() {
    assert_commands(
        r#"a 'b  $c' "d \" $e" f'g'h \# """#,
        &[&["a", "b  $c", "d \" $e", "fgh", "#", ""]],
    );
}

#[test]
fn commands_in_substitutions_are_commands() {
    assert_commands(
        "x=$(a --b \"$(c)\") d \"$(e)\" ${f:-g} $((1 + 2)) <(h)",
        &[
            &["c"],
            &["a", "--b", "$(…)"],
            &["e"],
            &["h"],
            &["d", "$(…)", "${f:-g}", "$((1 + 2))", "(…)"],
        ],
    );
}

#[test]
fn redirections_and_here_documents_are_skipped() {
    assert_commands(
        "a 2>&1 >b c <d\ncat >f <<'END' g\n e f\nEND\nh <<< i\n",
        &[&["a", "c"], &["cat", "g"], &["h"]],
    );
}

#[test]
fn assignments_and_keywords_are_not_part_of_the_command() {
    assert_commands(
        "A=1 sudo b C=2\nif ! d; then e; fi",
        &[&["b", "C=2"], &["d"], &["e"], &["fi"]],
    );
    assert_commands("x=1\n", &[]);
}
