//! The watches of a wait for an ENIConfig: each way in which a watch can start and end.

use super::{PATIENT, client, good, name, seen, spec, verbs, wait_while};
use eni_bootstrap::adapter::kubernetes::EniConfig;
use eni_bootstrap::wait::WaitTimer;
use eni_bootstrap_sandbox::{Access, Fault, KubernetesApi};
use eni_core::diagnostic::{Code, Diagnostic};
use serde_json::json;
use std::collections::BTreeSet;

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
    let verify = (std::time::Duration::from_millis(10), verify);
    let ready = eni_bootstrap::wait::until_ready(&server, &name(), timer, verify).await;
    assert_eq!(ready.unwrap().eni_config.subnet, "subnet-0b");
    assert_eq!(verbs(&thread.join().unwrap()).last(), Some(&"watch"));
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
