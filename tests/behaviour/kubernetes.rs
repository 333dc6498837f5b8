//! The wait for an ENIConfig against a fake API server: each way a watch can end.

use eni_bootstrap::adapter::Context;
use eni_bootstrap::adapter::kubernetes::{ApiServer, EniConfig, KubernetesError};
use eni_bootstrap::wait::{Ready, WaitReason, WaitTarget, WaitTimeout, WaitTimer};
use eni_bootstrap_sandbox::{Access, Fault, KubernetesApi};
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::eni_config::EniConfigName;
use eni_core::failure::one_line;
use eni_core::settings::Wait;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const PATIENT: Wait = Wait::For(Duration::from_mins(1));
const SEEN: Duration = Duration::from_secs(30);

fn name() -> EniConfigName {
    "us-west-2a".parse().unwrap()
}

fn spec() -> Value {
    json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] })
}

async fn client(api: &KubernetesApi) -> ApiServer {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(api.kubeconfig().as_bytes()).unwrap();
    ApiServer::by_kubeconfig(file.path(), &Context::default()).await.unwrap()
}

async fn wait(api: &KubernetesApi, wait: Wait) -> Result<EniConfig, WaitTimeout> {
    let ready = until_ready(&client(api).await, &name(), wait).await;
    ready.map(|Ready { eni_config, .. }| eni_config)
}

#[expect(clippy::unnecessary_wraps, reason = "compared with the result of a wait")]
fn good() -> Result<EniConfig, WaitTimeout> {
    Ok(EniConfig { subnet: "subnet-0a".to_owned(), security_groups: vec!["sg-0b".to_owned()] })
}

/// Waits without comparing the ENIConfig with EC2.
async fn until_ready(
    api: &ApiServer,
    name: &EniConfigName,
    wait: Wait,
) -> Result<Ready, WaitTimeout> {
    let unverified = async |_: &EniConfig| Vec::new();
    eni_bootstrap::wait::until_ready(api, name, WaitTimer::start(wait), unverified).await
}

fn verbs(api: &KubernetesApi) -> Vec<&'static str> {
    api.requests().iter().map(|seen| seen.verb).collect()
}

/// Waits while `act` changes the server in another thread.
async fn wait_while(
    api: KubernetesApi,
    act: impl FnOnce(&mut KubernetesApi) + Send + 'static,
) -> (Result<EniConfig, WaitTimeout>, KubernetesApi) {
    let server = client(&api).await;
    let shared = Arc::new(Mutex::new(api));
    let changed = shared.clone();
    let thread = std::thread::spawn(move || act(&mut changed.lock().unwrap()));
    let ready = until_ready(&server, &name(), PATIENT).await;
    thread.join().unwrap();
    let api = Arc::into_inner(shared).unwrap().into_inner().unwrap_or_else(PoisonError::into_inner);
    (ready.map(|Ready { eni_config, .. }| eni_config), api)
}

fn seen(api: &KubernetesApi, verb: &str, count: usize) {
    assert!(api.wait_for(verb, count, SEEN), "expected {count} {verb} requests: {:?}", verbs(api));
}

#[tokio::test]
async fn an_existing_eniconfig_needs_one_get() {
    let api = KubernetesApi::start();
    api.apply("us-west-2a", spec());
    assert_eq!(wait(&api, PATIENT).await, good());
    assert_eq!(verbs(&api), ["get"]);
}

#[tokio::test]
async fn a_later_eniconfig_needs_one_watch() {
    let (ready, api) = wait_while(KubernetesApi::start(), |api| {
        seen(api, "watch", 1);
        api.apply("us-east-1a", spec());
        api.send_bookmarks();
        api.apply("us-west-2a", spec());
    })
    .await;
    assert_eq!(ready, good());
    assert_eq!(verbs(&api), ["get", "watch"]);
    let watch = api.requests().remove(1);
    assert!(watch.query.contains("fieldSelector=metadata.name%3Dus-west-2a"), "{}", watch.query);
}

#[tokio::test]
async fn an_eniconfig_created_between_get_and_watch_is_not_missed() {
    let (ready, api) = wait_while(KubernetesApi::start(), |api| {
        // The first watch fails, and the object exists before the second one starts.
        api.faults().fail_next_matching("watch=true", 1, Fault::Status(500));
        seen(api, "get", 1);
        api.apply("us-west-2a", spec());
    })
    .await;
    assert_eq!(ready, good());
    assert_eq!(verbs(&api).first(), Some(&"get"));
}

#[tokio::test]
async fn a_corrected_eniconfig_ends_the_wait() {
    let (ready, api) = wait_while(KubernetesApi::start(), |api| {
        api.apply("us-west-2a", json!({ "subnet": "" }));
        seen(api, "watch", 1);
        api.delete("us-west-2a");
        api.apply("us-west-2a", json!({ "securityGroups": [] }));
        api.apply("us-west-2a", spec());
    })
    .await;
    assert_eq!(ready, good());
    assert_eq!(verbs(&api), ["get", "watch"]);
}

#[tokio::test]
async fn a_watch_starts_at_the_version_of_the_get_unless_it_has_expired() {
    let api = KubernetesApi::start();
    api.apply("us-west-2a", json!({ "subnet": "" }));
    let (ready, api) = wait_while(api, |api| {
        seen(api, "watch", 1);
        api.apply("us-west-2a", spec());
    })
    .await;
    assert_eq!(ready, good());
    let from = |api: &KubernetesApi| -> Vec<String> {
        let watches = api.requests().into_iter().filter(|seen| seen.verb == "watch");
        let version = |query: String| {
            query.split('&').find_map(|it| it.strip_prefix("resourceVersion=").map(str::to_owned))
        };
        watches.map(|seen| version(seen.query).unwrap_or_default()).collect()
    };
    assert_eq!(from(&api), ["1"]);

    let api = KubernetesApi::start();
    api.apply("us-west-2a", json!({ "subnet": "" }));
    for other in ["a", "b", "c"] {
        api.apply(other, spec());
    }
    api.forget_history();
    api.apply("d", spec());
    let (ready, api) = wait_while(api, |api| {
        seen(api, "watch", 2);
        api.apply("us-west-2a", spec());
    })
    .await;
    assert_eq!(ready, good());
    assert_eq!(from(&api), ["1", ""]);
    assert_eq!(verbs(&api), ["get", "watch", "get", "watch"]);
}

#[tokio::test]
async fn a_watch_that_ends_is_restarted() {
    type End = fn(&KubernetesApi);
    let ends: [(&str, End); 3] = [
        ("broken", KubernetesApi::break_watches),
        ("ended", KubernetesApi::end_watches),
        ("expired", KubernetesApi::expire_watches),
    ];
    for (what, end) in ends {
        let (ready, api) = wait_while(KubernetesApi::start(), move |api| {
            seen(api, "watch", 1);
            end(api);
            seen(api, "watch", 2);
            api.apply("us-west-2a", spec());
        })
        .await;
        assert_eq!(ready, good(), "{what}");
        // The second watch first gets the current state, so it needs no GET.
        assert_eq!(verbs(&api), ["get", "watch", "watch"], "{what}");
    }
}

#[tokio::test]
async fn a_restart_of_the_api_server_does_not_end_the_wait() {
    let (ready, api) = wait_while(KubernetesApi::start(), |api| {
        seen(api, "watch", 1);
        api.kill();
        api.apply("us-west-2a", spec());
        api.revive();
    })
    .await;
    assert_eq!(ready, good());
    assert_eq!(verbs(&api), ["get", "watch", "watch"]);
}

#[tokio::test]
async fn an_eniconfig_that_changes_while_there_is_no_watch_is_not_missed() {
    // Without and with an ENIConfig when the watch is lost.
    for before in [None, Some(json!({ "subnet": "" }))] {
        let api = KubernetesApi::start();
        let existed = before.is_some();
        if let Some(before) = before {
            api.apply("us-west-2a", before);
        }
        let (ready, api) = wait_while(api, move |api| {
            seen(api, "watch", 1);
            api.kill();
            if existed {
                api.delete("us-west-2a");
            }
            api.revive();
            seen(api, "watch", 2);
            api.break_watches();
            api.apply("us-west-2a", spec());
        })
        .await;
        assert_eq!(ready, good());
        let expected: &[&str] = if existed {
            &["get", "watch", "get", "watch", "watch"]
        } else {
            &["get", "watch", "watch", "watch"]
        };
        assert_eq!(verbs(&api), expected);
    }
}

#[tokio::test]
async fn a_403_after_a_watch_does_not_end_the_watches() {
    let api = KubernetesApi::start();
    let server = client(&api).await;
    let (verified, events) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        seen(&api, "watch", 1);
        api.apply("us-west-2a", spec());
        events.recv().unwrap();
        api.delete("us-west-2a");
        // A starting API server has not loaded the permissions yet.
        api.set_access(Access::Forbidden);
        api.end_watches();
        seen(&api, "get", 2);
        api.set_access(Access::Allow);
        seen(&api, "watch", 3);
        api.apply("us-west-2a", json!({ "subnet": "subnet-0b" }));
        api
    });
    let verify = async |eni_config: &EniConfig| {
        let fits = eni_config.subnet == "subnet-0b";
        let _ = verified.send(());
        if fits { Vec::new() } else { vec![Diagnostic::failed(Code::SubnetFull, "full", "")] }
    };
    let timer = WaitTimer::start(PATIENT);
    let ready = eni_bootstrap::wait::until_ready(&server, &name(), timer, verify).await;
    assert_eq!(ready.unwrap().eni_config.subnet, "subnet-0b");
    assert_eq!(verbs(&thread.join().unwrap()).last(), Some(&"watch"));
}

#[tokio::test]
async fn server_errors_and_lost_responses_are_retried() {
    for fault in [Fault::Status(500), Fault::Status(429), Fault::Status(503), Fault::Drop] {
        let api = KubernetesApi::start();
        api.apply("us-west-2a", spec());
        api.faults().fail_next(2, fault.clone());
        assert_eq!(wait(&api, PATIENT).await, good(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_request_after_retry_after_waits_for_that_time() {
    for status in [429, 503] {
        let api = KubernetesApi::start();
        api.apply("us-west-2a", spec());
        let headers = vec![("retry-after".to_owned(), "2".to_owned())];
        api.faults().fail_next(1, Fault::Response(status, headers, Vec::new()));
        let start = Instant::now();
        assert_eq!(wait(&api, PATIENT).await, good());
        // Without the header, the second request follows after at most 0.2 s.
        assert!(start.elapsed() >= Duration::from_secs(2), "{status}: {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn watches_have_different_time_limits() {
    let mut limits = BTreeSet::new();
    for _ in 0..4 {
        let (ready, api) = wait_while(KubernetesApi::start(), |api| {
            seen(api, "watch", 1);
            api.apply("us-west-2a", spec());
        })
        .await;
        assert_eq!(ready, good());
        let query = api.requests().remove(1).query;
        let limit = query.split('&').find_map(|it| it.strip_prefix("timeoutSeconds="));
        let limit: u32 = limit.unwrap().parse().unwrap();
        assert!((145..=290).contains(&limit), "{query}");
        limits.insert(limit);
    }
    // The probability of four equal limits out of 146 is about one in three million.
    assert_ne!(limits.len(), 1, "{limits:?}");
}

#[tokio::test]
async fn permissions_granted_during_the_wait_end_it() {
    for access in [Access::Forbidden, Access::Unauthorized] {
        let api = KubernetesApi::start();
        api.apply("us-west-2a", spec());
        api.set_access(access);
        let (ready, _) = wait_while(api, |api| {
            seen(api, "get", 2);
            api.set_access(Access::Allow);
        })
        .await;
        assert_eq!(ready, good(), "{access:?}");
    }
}

#[tokio::test]
async fn without_the_permission_to_watch_it_polls() {
    let api = KubernetesApi::start();
    api.set_access(Access::NoWatch);
    let (ready, api) = wait_while(api, |api| {
        seen(api, "get", 3);
        api.apply("us-west-2a", spec());
    })
    .await;
    assert_eq!(ready, good());
    let watches = verbs(&api).iter().filter(|verb| **verb == "watch").count();
    assert_eq!(watches, 1, "{:?}", verbs(&api));
}

#[tokio::test]
async fn each_cause_of_a_timeout_has_its_own_reason() {
    let reason = async |act: fn(&KubernetesApi)| {
        let api = KubernetesApi::start();
        act(&api);
        let error = wait(&api, Wait::Once).await.unwrap_err();
        assert_eq!(error.target, WaitTarget::EniConfig(name()));
        error.reason
    };
    assert_eq!(reason(|_| ()).await, WaitReason::NotFound);
    assert_eq!(
        reason(|api| api.apply("us-west-2a", json!({ "subnet": "" }))).await,
        WaitReason::NoSubnet
    );
    assert_eq!(
        reason(|api| api.set_access(Access::Unauthorized)).await,
        WaitReason::Api(KubernetesError::Unauthorized)
    );
    assert_eq!(
        reason(|api| api.set_access(Access::Forbidden)).await,
        WaitReason::Api(KubernetesError::Forbidden(
            "eniconfigs.crd.k8s.amazonaws.com \"us-west-2a\" is forbidden: User \"system:node:ip-192-0-2-10.us-west-2.compute.internal\" cannot get resource \"eniconfigs\" in API group \"crd.k8s.amazonaws.com\" at the cluster scope".to_owned()
        ))
    );
    assert_eq!(
        reason(|api| api.set_crd(false)).await,
        WaitReason::Api(KubernetesError::NoResourceType)
    );
    let broken = reason(|api| api.faults().fail_always_matching("", Fault::Status(500))).await;
    assert_eq!(
        broken,
        WaitReason::Api(KubernetesError::Answered { code: 500, message: String::new() })
    );
}

#[tokio::test]
async fn a_wait_of_zero_sends_one_request() {
    let api = KubernetesApi::start();
    let error = wait(&api, Wait::Once).await.unwrap_err();
    assert_eq!(error.to_string(), "ENIConfig us-west-2a is not ready");
    assert_eq!(verbs(&api), ["get"]);
}

#[tokio::test]
async fn after_the_deadline_the_eniconfig_is_still_read_and_verified_once() {
    // The wait for the DaemonSet has used the complete time.
    let spent = Wait::For(Duration::ZERO);
    let api = KubernetesApi::start();
    assert_eq!(wait(&api, spent).await.unwrap_err().reason, WaitReason::NotFound);
    assert_eq!(verbs(&api), ["get"]);

    api.apply("us-west-2a", spec());
    assert_eq!(wait(&api, spent).await, good());
    assert_eq!(verbs(&api), ["get", "get"]);

    let full = Diagnostic::failed(Code::SubnetFull, "subnet-0a is full", "release addresses");
    let server = client(&api).await;
    for limit in [spent, Wait::Once] {
        let verify = async |eni_config: &EniConfig| {
            assert_eq!(eni_config.subnet, "subnet-0a");
            vec![full.clone()]
        };
        let timer = WaitTimer::start(limit);
        let error = eni_bootstrap::wait::until_ready(&server, &name(), timer, verify).await;
        assert_eq!(error.unwrap_err().reason, WaitReason::DoesNotFit(full.clone()));
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_rejected() {
    let (api, other) = (KubernetesApi::start(), KubernetesApi::start());
    let swapped = api.kubeconfig().replace(&api.ca_base64(), &other.ca_base64());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(swapped.as_bytes()).unwrap();
    let server = ApiServer::by_kubeconfig(file.path(), &Context::default()).await.unwrap();
    let error = until_ready(&server, &name(), Wait::Once).await.unwrap_err();
    let WaitReason::Api(KubernetesError::Unreachable(source)) = error.reason else {
        panic!("{:?}", error.reason)
    };
    let text = one_line(&source);
    assert!(text.contains("invalid peer certificate"), "{text}");
}
