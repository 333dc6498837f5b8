//! The golden files of the pictures and of the text.

use super::{RESULTS, successful};
use crate::support::{expect_golden, run};
use std::fs;

#[test]
fn the_text_of_each_result_is_stable() {
    for result in RESULTS {
        expect_golden(&format!("report/{result}.txt"), &successful(result, "text"));
    }
}

#[test]
fn the_pictures_of_each_result_are_stable() {
    for result in RESULTS {
        let timeline = successful(result, "timeline");
        expect_golden(&format!("report/{result}-timeline.svg"), &timeline);
        if result != "no-metadata" {
            let interfaces = successful(result, "interfaces");
            expect_golden(&format!("report/{result}-interfaces.svg"), &interfaces);
        }
    }
}

/// A run of eni-bootstrap wrote these results, and `eni-bootstrap report` these texts.
#[test]
fn results_of_the_program_have_every_format() {
    for result in ["ready", "waited", "failed"] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/result");
        let file = format!("{folder}/{result}.json");
        let report = |format: &str| run(["report", &file, "--output", format]);
        let text = fs::read_to_string(format!("{folder}/{result}.txt")).unwrap();
        assert_eq!(report("text"), crate::support::result(&text), "{result}");
        for (format, end) in
            [("html", "</html>\n"), ("timeline", "</svg>\n"), ("interfaces", "</svg>\n")]
        {
            let output = report(format);
            assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{result} {format}");
            assert!(output.stdout.ends_with(end), "{result} {format}: {}", output.stdout);
        }
    }
}

/// `docs/kubectl-eni-report.md` shows these pictures.
#[test]
fn the_pictures_of_the_documentation_are_those_of_a_result() {
    let (from, picture) = ("nine-minutes", "../../../../docs/pictures/report");
    expect_golden(&format!("{picture}-timeline.svg"), &successful(from, "timeline"));
    expect_golden(&format!("{picture}-interfaces.svg"), &successful("failed", "interfaces"));
}
