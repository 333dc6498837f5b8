//! The golden files of the pictures and of the text.

use super::{RESULTS, successful};
use crate::support::expect_golden;

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

/// `docs/kubectl-eni-report.md` shows these pictures.
#[test]
fn the_pictures_of_the_documentation_are_those_of_a_result() {
    let (from, picture) = ("nine-minutes", "../../../../docs/pictures/report");
    expect_golden(&format!("{picture}-timeline.svg"), &successful(from, "timeline"));
    expect_golden(&format!("{picture}-interfaces.svg"), &successful("failed", "interfaces"));
}
