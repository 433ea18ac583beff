//! The site beside the files, and who may see it.

use std::sync::Arc;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Served;
use crate::ascend::identify;
use crate::server::{Describe, Facts, Options, Tls, Transfer};

pub(super) fn with_pages() -> Options {
    let pages: Describe = Arc::new(|package| Facts::new(&identify(&package.file), true));
    Options { pages: Some(pages), ..Options::default() }
}

const WHEEL: &str = "torch_npu-2.7.1+x-cp311-cp311-linux_x86_64.whl";

#[tokio::test]
async fn pages_are_shown_where_people_are_meant_to_look() {
    let check = async |options: Options, path: &str, status: u16, part: &str| {
        let served = Served::with(options, &[(WHEEL, b"hello")]).await;
        let reply = served.get(path, "").await;
        let body = String::from_utf8(reply.body.clone()).unwrap();
        assert_eq!(reply.status, status, "{path}: {body}");
        assert!(body.contains(part), "{path}: {body}");
    };
    check(with_pages(), "/", 200, "torch_npu-2.7.1+x-cp311").await;
    check(with_pages(), "/api/packages", 200, "\"kind\":\"torch-npu\",\"version\":\"2.7.1+x\",\"arch\":\"x86_64\",\"chip\":null,\"python\":\"3.11\"").await;
    check(with_pages(), "/api/transfers", 200, "\"running\":[]").await;
    check(with_pages(), "/metrics", 200, "\nascend_build_packages 1\n").await;
    for path in ["/api/packages", "/api/transfers", "/metrics"] {
        check(Options::default(), path, 404, "no such file").await;
    }
    let link = "/torch_npu-2.7.1+x-cp311-cp311-linux_x86_64.whl\">torch_npu-2.7.1+x-cp311";
    check(Options::default(), "/", 200, link).await;
    check(Options::default(), "/healthz", 200, "ok").await;
    check(Options::default(), "/simple/", 200, "/simple/torch-npu/").await;
    check(Options::default(), "/simple/torch_npu", 200, "/torch_npu-2.7.1+x-cp311").await;
    check(Options::default(), "/simple/torch_npy/", 404, "no such file").await;
}

#[tokio::test]
async fn a_transfer_tells_whose_it_is_and_how_it_went() {
    let served = Served::with(with_pages(), &[(WHEEL, b"hello")]).await;
    let before = OffsetDateTime::now_utc();
    served.get(&format!("/for/20261121-1-2/B_stage/{WHEEL}"), "Range: bytes=1-3\r\n").await;
    served.get(&format!("/{WHEEL}"), "").await;
    served.wait_for_ends(2).await;
    let json = served.get("/api/transfers", "").await.body;
    let report: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let fields = ["run", "stage", "file", "offset", "length", "sent", "outcome"];
    let line = |entry: &serde_json::Value| fields.map(|field| entry[field].to_string()).join(" ");
    let ended: Vec<_> = report["ended"].as_array().unwrap().iter().map(line).collect();
    let plain = format!("null null \"{WHEEL}\" 0 5 5 \"whole\"");
    let labelled = format!("\"20261121-1-2\" \"B_stage\" \"{WHEEL}\" 1 3 3 \"whole\"");
    assert_eq!(ended, [plain, labelled]);
    let entry = &report["ended"][0];
    let started = OffsetDateTime::parse(entry["started"].as_str().unwrap(), &Rfc3339).unwrap();
    assert!((before..=OffsetDateTime::now_utc()).contains(&started), "{entry}");
    assert!(entry["client"].as_str().unwrap().starts_with("127.0.0.1:"), "{entry}");
    assert!(entry["rate"].as_u64().unwrap() > 0 && entry["seconds"].is_f64(), "{entry}");
    assert_eq!(report["today"]["ended"], 2);
}

/// What the page and the lines on it say under a certificate that is `made_up` or not.
async fn check_trust(made_up: bool, says: bool) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = ["c.pem", "k.pem"].map(|name| folder.path().join(name));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = Tls::read(&certificate, &key).unwrap();
    let fingerprint = tls.fingerprint().to_owned();
    let tls = if made_up { tls.made_up(&made.cert.pem()) } else { tls };
    let options = Options { tls: Some(tls), token: Some("t".to_owned()), ..with_pages() };
    let served = Served::with(options, &[(WHEEL, b"hello")]).await;
    let get = async |path: &str| {
        let url = format!("https://{}{path}?token=t", served.address());
        let mut curl = std::process::Command::new("curl");
        curl.args(["-fsS", "--noproxy", "*", "--cacert"]).arg(&certificate).arg(url);
        let output = tokio::task::spawn_blocking(move || curl.output().unwrap()).await.unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let page = get("/").await;
    let link = "href=\"/tls/certificate.pem?token=t\"";
    let wget = "wget --ca-certificate=certificate.pem -O ";
    let pip = "pip install --cert certificate.pem --index-url https://token:t@";
    for text in [link, wget, pip, "--no-check-certificate", &fingerprint] {
        assert_eq!(page.contains(text), says, "{text}");
    }
    let expected = if says { made.cert.pem() } else { String::new() };
    assert_eq!(get("/tls/certificate.pem").await, expected);
}

#[tokio::test]
async fn a_made_up_certificate_is_offered_and_lines_use_it() {
    check_trust(true, true).await;
    check_trust(false, false).await;
}

#[tokio::test]
async fn what_is_no_http_is_counted_and_told() {
    let check = async |sent: &str, status: u16| {
        let served = Served::with(with_pages(), &[]).await;
        served.ask(sent.to_owned()).await;
        let refused = "ascend_build_refused_total 1\n".to_owned();
        while !String::from_utf8(served.get("/metrics", "").await.body).unwrap().contains(&refused)
        {
            tokio::task::yield_now().await;
        }
        let heard = served.heard.lock().unwrap();
        let told = matches!(&heard[..], [Transfer::Refused { path, status: told, .. }]
            if path.is_empty() && *told == status);
        assert!(told, "{status}: {heard:?}");
    };
    check("nonsense\r\n\r\n", 400).await;
    check("GET / HTTP/1.1\r\nno header\r\n\r\n", 400).await;
    check(&format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(200_000)), 431).await;
}

#[tokio::test]
async fn a_token_and_a_prefix_are_wanted_where_they_are_set() {
    let options =
        || Options { token: Some("t0".into()), prefix: Some("s3cret".into()), ..with_pages() };
    let served = Served::with(options(), &[(WHEEL, b"hello")]).await;
    let check = async |path: &str, headers: &str, status: u16| {
        assert_eq!(served.get(path, headers).await.status, status, "{path}");
    };
    check(&format!("/{WHEEL}"), "", 404).await;
    check(&format!("/{WHEEL}?token=t0"), "", 404).await;
    check(&format!("/s3cret/{WHEEL}"), "", 401).await;
    check(&format!("/s3cret/{WHEEL}?token=t0"), "", 200).await;
    check(&format!("/s3cret/{WHEEL}"), "Authorization: Bearer t0\r\n", 200).await;
    check("/s3cret/", "Authorization: Bearer t0\r\n", 200).await;
    check("/healthz", "", 404).await;
}
