//! The site beside the files, and who may see it.

use std::sync::Arc;

use super::Served;
use crate::ascend::identify;
use crate::server::{Describe, Facts, Options};

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
