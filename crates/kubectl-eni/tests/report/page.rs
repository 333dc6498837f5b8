//! The HTML page.

use super::{RESULTS, successful};
use crate::support::expect_golden;

#[test]
fn the_page_is_stable() {
    expect_golden("report/ready.html", &successful("ready", "html"));
    expect_golden("report/failed.html", &successful("failed", "html"));
}

#[test]
fn the_page_has_no_script_and_no_address() {
    for result in RESULTS {
        let page = successful(result, "html");
        for part in
            ["<script", "<iframe", "<link rel=\"style", "src=", "@import", "url(", "refresh"]
        {
            assert!(!page.contains(part), "{result}: {part}");
        }
        let links = page.match_indices("href=\"").map(|(start, text)| &page[start + text.len()..]);
        for link in links {
            assert!(link.starts_with('#') || link.starts_with("data:,\""), "{result}: {link:.40}");
        }
    }
}

#[test]
fn the_text_of_the_file_is_escaped() {
    let page = successful("no-metadata", "html");
    assert!(page.contains("&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;"), "{page}");
    assert!(page.contains("PUT /latest/api/token?&lt;b&gt;"));
    let timeline = successful("no-metadata", "timeline");
    assert!(!timeline.contains("<b>"));
}

#[test]
fn each_id_is_unique_and_each_link_has_a_target() {
    for result in RESULTS {
        let page = successful(result, "html");
        let values = |attribute: &str| -> Vec<String> {
            let parts = page.split(attribute).skip(1);
            parts.map(|part| part.split('"').next().unwrap().to_owned()).collect()
        };
        let ids = values(" id=\"");
        let mut unique = ids.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(ids.len(), unique.len(), "{result}");
        for target in values("href=\"#").into_iter().chain(values("labelledby=\"")) {
            assert!(ids.contains(&target), "{result}: {target}");
        }
    }
}
