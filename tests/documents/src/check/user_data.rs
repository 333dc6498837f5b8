//! MIME user data and its parts.

use super::{node_config, script, settings, yaml};
use crate::shell::commands;
use serde_json::Value;

/// The maximum size of user data in EC2 in bytes, before base64 encoding.
const LIMIT: usize = 16 * 1024;

/// Returns the media type and the text of each part.
pub fn parts(text: &str) -> Result<Vec<(String, String)>, String> {
    let mail = mailparse::parse_mail(text.as_bytes()).map_err(|error| error.to_string())?;
    let parts = mail.subparts.iter().map(|part| {
        let body = part.get_body().map_err(|error| error.to_string())?;
        Ok((part.ctype.mimetype.clone(), body))
    });
    parts.collect()
}

/// Parses user data, and each of its parts by its parser. A text that begins with a boundary is a fragment.
pub fn check(text: &str) -> Result<(), String> {
    let head = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"BOUNDARY\"\n\n";
    let is_fragment = text.starts_with("--");
    let complete = if is_fragment {
        format!("{head}{}\n--BOUNDARY--\n", text.trim_end())
    } else {
        text.into()
    };
    if complete.len() > LIMIT {
        return Err(format!("{} bytes; EC2 allows {LIMIT}", complete.len()));
    }
    if !complete.trim_end().ends_with("--") {
        return Err("the last line is not a closing boundary".into());
    }
    let parts = parts(&complete)?;
    if parts.is_empty() {
        return Err("it has no parts".into());
    }
    for (kind, body) in &parts {
        part(kind, body).map_err(|error| format!("{kind}: {error}"))?;
    }
    if parts.iter().any(|(kind, _)| kind == "application/node.eks.aws") {
        node_config::own(&complete)?;
    }
    Ok(())
}

fn part(kind: &str, body: &str) -> Result<(), String> {
    match kind {
        "application/node.eks.aws" => node_config::check(body),
        "text/x-shellscript" => script::check(body),
        "text/cloud-config" => cloud_config(body),
        _ => Err("this test has no parser for this part".into()),
    }
}

/// Parses a cloud-config, and the settings of eni-bootstrap in the files that it writes.
fn cloud_config(text: &str) -> Result<(), String> {
    if !text.trim_start().starts_with("#cloud-config\n") {
        return Err("the first line is not #cloud-config".into());
    }
    let documents = yaml(text)?;
    let empty = Vec::new();
    for file in documents[0]["write_files"].as_array().unwrap_or(&empty) {
        let (Some(path), Some(content)) = (file["path"].as_str(), file["content"].as_str()) else {
            return Err("a file in write_files has no path or no content".into());
        };
        if path.starts_with("/etc/eni-bootstrap/") {
            settings(content).map_err(|error| format!("{path}: {error}"))?;
        }
    }
    Ok(())
}

/// Returns the settings of eni-bootstrap that a shell script writes with here-documents to `/etc/eni-bootstrap`.
pub fn settings_in_script(script: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = script.lines();
    while let Some(line) = lines.next() {
        let Some((_, end)) = line.split_once("<<'") else { continue };
        let end = end.trim_end_matches('\'');
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
        if line.contains("/etc/eni-bootstrap/") {
            found.push(body.join("\n"));
        }
    }
    found
}

/// Returns whether a script calls a program.
pub fn calls(script: &str, program: &str) -> bool {
    commands(script).iter().any(|words| words[0] == program)
}

/// Returns the user data in an `EC2NodeClass`.
pub fn of_node_class(object: &Value) -> Option<&str> {
    (object["kind"] == "EC2NodeClass").then(|| object["spec"]["userData"].as_str()).flatten()
}

#[test]
fn each_part_is_parsed() {
    let user_data = |kind: &str, body: &str| {
        format!(
            "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"BOUNDARY\"\n\n--BOUNDARY\nContent-Type: {kind}\n\n{body}\n--BOUNDARY--\n"
        )
    };
    let write = |text: &str| {
        format!(
            "#cloud-config\nwrite_files:\n  - path: /etc/eni-bootstrap/90-site.toml\n    content: |\n      [eni-config]\n      {text}\n"
        )
    };
    assert_eq!(check(&user_data("text/cloud-config", &write("wait = \"5m\""))), Ok(()));
    assert!(check(&user_data("text/cloud-config", &write("waits = \"5m\""))).is_err());
    assert!(check(&user_data("text/x-shellscript", "#!/bin/sh\nif\n")).is_err());
    assert!(check(&user_data("text/html", "")).is_err());
    assert!(check("MIME-Version: 1.0\n").is_err());
    assert_eq!(settings_in_script("cat >/etc/eni-bootstrap/a <<'X'\n[a]\nb\nX\nc\n"), ["[a]\nb"]);
}
