//! The example of user data for a Bottlerocket node.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use eni_core::settings::{Settings, Wait};
use std::fs;
use std::path::Path;
use std::time::Duration;

#[test]
fn the_user_data_of_the_container_matches_its_comment_and_is_valid() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/bottlerocket.toml");
    let example = fs::read_to_string(example).unwrap();
    let data: toml::Table = toml::from_str(&example).unwrap();
    let container = &data["settings"]["bootstrap-containers"]["eni-bootstrap"];
    let text = |key: &str| container[key].as_str().unwrap();
    assert_eq!(container.as_table().unwrap().len(), 4);
    assert_eq!((text("mode"), container["essential"].as_bool()), ("always", Some(true)));
    assert!(text("source").ends_with("/eni-bootstrap:0.0.0"), "{}", text("source"));

    let settings = String::from_utf8(BASE64_STANDARD.decode(text("user-data")).unwrap()).unwrap();
    let (_, comment) = example.split_once("# This value contains:\n#\n").unwrap();
    let lines = comment.lines().map_while(|line| line.strip_prefix('#'));
    let commented: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    assert_eq!(settings.lines().collect::<Vec<_>>(), commented);
    let settings = Settings::from_toml(Path::new("user-data"), &settings).unwrap();
    assert_eq!(settings.eni_config.wait(), Wait::For(Duration::from_mins(5)));
    assert_eq!(settings.labels.0.to_string(), "example.com/team=blue");
}
