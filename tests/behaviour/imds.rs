//! The IMDS client against a fake IMDS: its requests, and how it treats the responses.

use eni_bootstrap::adapter::imds::{ImdsError, Session};
use eni_bootstrap::adapter::{Context, Deadline, Transient as _};
use eni_bootstrap_sandbox::{Fault, Imds, Instance};
use eni_core::domain::identifier::{InstanceType, Mac};
use eni_core::failure::{Advice as _, ExitCode, one_line, report};
use std::time::Duration;

/// A time limit that no test reaches, also on a slow machine. HTTP 404 for an item that is not required is retried
/// for one twentieth of it.
const PATIENT: Duration = Duration::from_mins(1);
/// A time limit that a test reaches, after the requests that must succeed.
const SHORT: Duration = Duration::from_secs(3);

fn context(imds: &Imds) -> Context {
    Context { imds_endpoint: imds.endpoint(), ..Context::default() }
}

async fn open(imds: &Imds) -> Result<Session, ImdsError> {
    Session::open(&context(imds), Deadline::after(PATIENT)).await
}

#[tokio::test]
async fn the_token_is_requested_first_and_a_missing_item_is_none() {
    let imds = Imds::start(&Instance::default());
    let session = open(&imds).await.unwrap();
    assert_eq!(session.text("meta-data/instance-type").await.unwrap().as_deref(), Some("c5.large"));
    assert_eq!(session.text("user-data").await.unwrap(), None);
    assert_eq!(
        imds.requests(),
        ["PUT /latest/api/token", "GET /latest/meta-data/instance-type", "GET /latest/user-data"]
    );
}

#[tokio::test]
async fn temporary_errors_are_retried() {
    for fault in [Fault::Status(500), Fault::Status(503), Fault::Status(429), Fault::Drop] {
        let imds = Imds::start(&Instance::default());
        imds.faults().fail_next_matching("token", 1, fault.clone());
        imds.faults().fail_next_matching("instance-type", 2, fault.clone());
        let session = open(&imds).await.unwrap();
        let instance_type = session.required::<InstanceType>("meta-data/instance-type").await;
        assert_eq!(instance_type.unwrap().as_str(), "c5.large", "{fault:?}");
        assert_eq!(
            imds.requests(),
            ["PUT /latest/api/token", "GET /latest/meta-data/instance-type"]
        );
    }
}

#[tokio::test]
async fn a_service_that_starts_late_is_reached() {
    let mut imds = Imds::start(&Instance::default());
    imds.kill();
    let context = context(&imds);
    let late = async {
        // The first attempt fails at once.
        tokio::time::sleep(Duration::from_millis(300)).await;
        imds.revive();
    };
    let opening = Session::open(&context, Deadline::after(PATIENT));
    let (session, ()) = tokio::join!(opening, late);
    assert_eq!(session.unwrap().text("meta-data/mac").await.unwrap().unwrap(), "02:00:00:00:00:01");
}

#[tokio::test]
async fn permanent_errors_are_not_retried() {
    let refusal = async |status| {
        let imds = Imds::start(&Instance::default());
        imds.faults().fail_always_matching("", Fault::Status(status));
        let error = open(&imds).await.unwrap_err();
        assert!(!error.is_transient(), "{error}");
        error.to_string()
    };
    assert_eq!(
        refusal(403).await,
        "the instance metadata service is disabled (HTTP status 403 for latest/api/token)"
    );
    assert_eq!(
        refusal(400).await,
        "the instance metadata service returned HTTP status 400 Bad Request for latest/api/token"
    );
    assert_eq!(
        refusal(404).await,
        "the instance metadata service returned HTTP status 404 Not Found for latest/api/token"
    );
}

/// Sets `path` to `value` after the second request for it.
async fn set_late(imds: &Imds, path: &str, value: &str) {
    let line = format!("GET /latest/{path}");
    while imds.requests().iter().filter(|request| **request == line).count() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    imds.set(path, value);
}

#[tokio::test]
async fn a_404_for_a_required_item_is_retried_until_the_deadline() {
    const TYPE: &str = "meta-data/instance-type";
    let imds = Imds::start(&Instance::default());
    imds.remove(TYPE);
    let session = open(&imds).await.unwrap();
    let (instance_type, ()) =
        tokio::join!(session.required::<InstanceType>(TYPE), set_late(&imds, TYPE, "m5.large"));
    assert_eq!(instance_type.unwrap().as_str(), "m5.large");
    imds.remove(TYPE);
    let session = Session::open(&context(&imds), Deadline::after(SHORT)).await.unwrap();
    let error = session.required::<InstanceType>(TYPE).await.unwrap_err();
    assert_eq!(error.to_string(), "the instance metadata service has no meta-data/instance-type");
}

#[tokio::test]
async fn a_404_for_an_expected_item_is_retried_for_a_part_of_the_timeout() {
    const MAC: &str = "meta-data/mac";
    let imds = Imds::start(&Instance::default());
    imds.remove(MAC);
    let session = open(&imds).await.unwrap();
    let (mac, ()) =
        tokio::join!(session.expected::<Mac>(MAC), set_late(&imds, MAC, "02:00:00:00:00:01"));
    assert_eq!(mac.unwrap().unwrap().to_string(), "02:00:00:00:00:01");
    imds.remove(MAC);
    assert_eq!(session.expected::<Mac>(MAC).await.unwrap(), None);
}

#[tokio::test]
async fn an_unreachable_service_is_an_error_at_the_deadline() {
    let mut imds = Imds::start(&Instance::default());
    imds.kill();
    let error = Session::open(&context(&imds), Deadline::after(SHORT)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the instance metadata service at {} is unreachable", imds.endpoint())
    );
    assert!(
        one_line(&error).ends_with("Connection refused (os error 111)"),
        "{}",
        one_line(&error)
    );
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_request_without_a_response_times_out() {
    let imds = Imds::start(&Instance::default());
    imds.faults().fail_always_matching("", Fault::Hang);
    let deadline = Deadline::after(Duration::from_millis(300));
    let error = Session::open(&context(&imds), deadline).await.unwrap_err();
    assert!(one_line(&error).ends_with("operation timed out"), "{}", one_line(&error));
}

#[tokio::test]
async fn a_response_above_the_size_limit_is_an_error() {
    let imds = Imds::start(&Instance::default());
    imds.set("meta-data/mac", vec![b'x'; 10 << 20]);
    let error = open(&imds).await.unwrap().text("meta-data/mac").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the instance metadata service returned more than 65536 bytes for latest/meta-data/mac"
    );
}

#[tokio::test]
async fn the_token_is_never_printed() {
    let imds = Imds::start(&Instance::default());
    let session = open(&imds).await.unwrap();
    assert_eq!(
        format!("{session:?}"),
        format!("Session {{ endpoint: {:?}, .. }}", imds.endpoint())
    );
}

#[tokio::test]
async fn an_invalid_token_is_an_error_without_the_token() {
    for token in [&b"hush\nhush"[..], b"hush\xff\n"] {
        let imds = Imds::start(&Instance::default());
        imds.faults().fail_always_matching("token", Fault::Body(token.to_vec()));
        let error = open(&imds).await.unwrap_err();
        assert_eq!(
            report(&error),
            "error: the instance metadata service returned an invalid session token\n  \
             help: check which server responds at the metadata endpoint; AWS_EC2_METADATA_SERVICE_ENDPOINT or a proxy may redirect requests"
        );
        assert_eq!((error.exit_code(), error.is_transient()), (ExitCode::InvalidData, false));
    }
}
