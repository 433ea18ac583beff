//! The address that a recipe names: another gateway, a port that is taken, a proxy in between, or not known before the run.

use std::net::TcpListener;

use super::ground::{Ground, port, warnings};
use crate::support::{Builders, Fixture};

/// Where the recipe's port is on the engine's bridge.
const SERVER: &str = "172.17.0.1:3000";

/// Builds a Dockerfile on both builders with these files beside it, and gives what `/result` holds then, and the warnings.
fn built(dockerfile: &str, files: &[&str], arguments: &[&str]) -> Vec<(String, Vec<String>)> {
    let build = |builder| {
        let ground = Ground::with(dockerfile, builder);
        files.iter().for_each(|file| ground.stand_in(file, "content"));
        let outcome = ground.build(arguments).exits(0);
        let said = [warnings(&outcome), vec![outcome.stderr]].concat();
        (ground.in_image("stage-0", "cat /result"), said)
    };
    Builders.iter().map(build).collect()
}

/// What `/result` must hold, and what must be said of it.
fn check(dockerfile: &str, files: &[&str], arguments: &[&str], result: &str, said: &str) {
    for (actual, warnings) in built(dockerfile, files, arguments) {
        assert_eq!(actual, result);
        assert!(warnings.iter().any(|warning| warning.contains(said)), "{said}: {warnings:#?}");
    }
}

#[test]
#[ignore = "needs an engine"]
fn another_gateway_is_rewritten() {
    let dockerfile = "FROM BASE\nRUN wget -q -O /result http://10.99.0.1:3000/requirements.txt\n";
    let file = ["requirements.txt"];
    let result = "requirements.txt: a stand-in, content";
    check(dockerfile, &file, &[], result, "asks `10.99.0.1:3000`");
    let variable = "FROM BASE\nARG HOST=10.99.0.1\nENV PORT=3000\n\
        RUN wget -q -O /result http://${HOST}:$PORT/requirements.txt\n";
    check(variable, &file, &[], result, "asks `10.99.0.1:3000`");
    check(variable, &file, &["--build-arg", "HOST=10.98.0.1"], result, "asks `10.98.0.1:3000`");
}

/// pip asks plain `http` of hosts that it is told to trust, and nobody but its command hears of it.
#[test]
#[ignore = "needs an engine"]
fn pip_is_given_the_address_that_the_image_does_not_have() {
    let dockerfile = "FROM BASE\nENV PIP_FIND_LINKS=http://10.99.0.1:3000/ PIP_TRUSTED_HOST=files.lan\n\
        RUN printf '#!/bin/sh\\necho \"$PIP_TRUSTED_HOST $PIP_FIND_LINKS $*\"\\n' > /bin/pip3 && chmod 755 /bin/pip3\n\
        RUN cd / && pip3 install one > /result && env | sed -n s,^PIP_FIND_LINKS=,,p >> /result\n\
        RUN sh -c 'pip3 install -i http://10.99.0.1:3000/simple two' >> /result\n";
    let result = "files.lan 172.17.0.1:3000 http://172.17.0.1:3000/ install one\n\
        http://10.99.0.1:3000/\n\
        files.lan 172.17.0.1:3000 http://172.17.0.1:3000/ install -i http://172.17.0.1:3000/simple two";
    for (actual, warnings) in built(dockerfile, &[], &[]) {
        // Where podman builds, the package server is on loopback.
        assert_eq!(actual.replace("127.0.0.1:3000", SERVER), result);
        let said = |warning: &String| warning.contains("asks `10.99.0.1:3000`");
        assert!(warnings.iter().any(said), "{warnings:#?}");
    }
}

#[test]
#[ignore = "needs an engine"]
fn a_name_of_the_host_is_rewritten() {
    let file = ["requirements.txt", "a.sh"];
    let result = "requirements.txt: a stand-in, content\na.sh: a stand-in, content";
    let named = "FROM BASE\nADD http://host.docker.internal:3000/requirements.txt /result\n\
        RUN wget -q -O- http://host.docker.internal:3000/a.sh >> /result\n";
    check(named, &file, &[], result, "asks `host.docker.internal:3000`");
    let argument = "FROM BASE\nARG SRV=mirror.local:8080\n\
        RUN wget -q -O- http://$SRV/requirements.txt \"http://${SRV}/a.sh\" > /result\n";
    check(argument, &file, &["--build-arg", "SRV=172.17.0.1:3000"], result, "not verified");
    check(argument, &file, &["--build-arg", "SRV=files.lan:3000"], result, "asks `files.lan:3000`");
    let whole = "FROM BASE\nARG URL=http://10.99.0.1:3000/packages\n\
        RUN wget -q -O /result $URL/requirements.txt && wget -q -O- \"$URL/a.sh\" >> /result\n";
    check(whole, &file, &[], result, "asks `10.99.0.1:3000`");
}

/// Whether the package server is meant where the build argument `SRV` is `server`; `there` is the
/// file that the roots have.
fn meant(server: &str, there: &str, expected: bool) {
    let fixture = Fixture::new();
    let file = "FROM x\nARG SRV\nRUN wget -q http://$SRV/a.sh && sh a.sh && rm a.sh\n\
        RUN wget -q http://$SRV/b.sh && sh b.sh && rm b.sh\n";
    fixture.write("Dockerfile", file).write(there, "true\n");
    let outcome = fixture.run(&["plan", "--build-arg", &format!("SRV={server}")]).exits(0);
    let said = outcome.stderr.contains(&format!(
        "warning[fetch-elsewhere]: `{server}` is taken for a file server of somebody else's"
    ));
    assert_eq!((outcome.stdout.contains("a.sh"), said), (expected, !expected), "{server}");
    let missing = outcome.stderr.contains("is missing");
    assert_eq!(missing, expected, "{server}: {}", outcome.stderr);
}

#[test]
fn the_roots_tell_whose_server_an_argument_names() {
    for server in ["172.17.0.1:8080", "172.20.0.1:8080", "192.0.2.7:3000"] {
        meant(server, "other.sh", true);
    }
    for server in ["files.corp:8080", "192.0.2.7:8080"] {
        meant(server, "a.sh", true);
        meant(server, "below/b.sh", true);
        meant(server, "other.sh", false);
    }
}

/// The port that the plan of a Dockerfile with this line asks for.
fn check_port(run: &str, expected: Option<u64>) {
    let fixture = Fixture::new();
    fixture.write("Dockerfile", format!("FROM x\nARG SRV\nRUN {run}\n")).write("a.sh", "true\n");
    let plan = fixture.run(&["plan", "--format", "json"]).exits(0).stdout;
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("JSON");
    assert_eq!(plan["port"].as_u64(), expected, "{run}");
}

/// What only the run knows is not written anew, so that the server must be where recipes look for it.
#[test]
fn an_address_that_only_the_run_knows_has_the_usual_port() {
    check_port("wget -q $SRV/a.sh", Some(3000));
    check_port("wget -q ${OTHER:-http://172.17.0.1:3000}/a.sh", Some(3000));
    check_port("wget -q http://172.17.0.1:$SRV/a.sh", Some(3000));
    check_port("wget -q $SRV/a.sh; wget -q http://172.17.0.1:8000/a.sh", Some(8000));
    check_port("wget -i list.txt", Some(3000));
    check_port("wget -q http://172.17.0.1/$(id).sh", None);
    check_port("true", None);
}

#[test]
#[ignore = "needs an engine"]
fn the_gateway_needs_no_proxy_whatever_the_user_says() {
    let dockerfile = "FROM BASE\nARG no_proxy\nARG ARCH\n\
        RUN echo \"$no_proxy\" > /result && http_proxy= wget -q http://172.17.0.1:3000/a-${ARCH}.sh -O - >> /result\n";
    let arguments = [
        "--build-arg",
        "ARCH=x86_64",
        "--build-arg",
        "no_proxy=localhost",
        "--build-arg",
        "http_proxy=http://127.0.0.1:9",
    ];
    let result = "localhost,172.17.0.1\na-x86_64.sh: a stand-in, content";
    check(dockerfile, &["a-x86_64.sh"], &arguments, result, "not verified: `a-x86_64.sh`");
}

#[test]
#[ignore = "needs an engine"]
fn what_only_the_run_knows_is_served_but_no_secret() {
    let dockerfile = "FROM BASE\n\
        RUN for part in one two; do wget -q -O - http://172.17.0.1:3000/install_${part}.sh >> /result; done; \
        wget -q -O - http://172.17.0.1:3000/$(echo requirements).txt >> /result; \
        for secret in $(echo .env id_rsa server.key docker-credentials.txt .ssh/id_rsa config.json ..%2Foutside.sh); do \
        wget -q -O - http://172.17.0.1:3000/$secret >> /result && echo \"got $secret\" >> /result; done; true\n";
    let files = [
        "install_one.sh",
        "install_two.sh",
        "requirements.txt",
        ".env",
        "id_rsa",
        "server.key",
        "docker-credentials.txt",
        ".ssh/id_rsa",
        "config.json",
        "../outside.sh",
    ];
    let result = ["install_one.sh", "install_two.sh", "requirements.txt"]
        .map(|file| format!("{file}: a stand-in, content"))
        .join("\n");
    check(dockerfile, &files, &[], &result, "fetch-unknown");
}

/// The problem that a build tells while somebody holds the port.
fn refused() -> String {
    let ground =
        Ground::with("FROM BASE\nRUN wget -q http://172.17.0.1:3000/requirements.txt\n", "classic");
    ground.stand_in("requirements.txt", "content");
    ground.run(&["build", "--progress", "quiet"]).exits(5).stderr
}

#[test]
#[ignore = "needs an engine"]
fn the_process_that_holds_the_port_is_named() {
    let _alone = port();
    let _holder = TcpListener::bind(SERVER).expect("the port is free");
    let told = refused();
    assert!(told.contains(&format!("held by process {}, ", std::process::id())), "{told}");
}

#[test]
#[ignore = "needs an engine"]
fn the_container_that_holds_the_port_is_named() {
    let _alone = port();
    let ground = Ground::with("FROM BASE\n", "classic");
    let (base, docker) = (ground.fixture.base(), ground.fixture.docker());
    let publish = format!("{SERVER}:80");
    let started = docker.run(&["run", "-d", "--rm", "-p", &publish, &base, "sleep", "300"]);
    let told = refused();
    docker.run(&["kill", &started]);
    assert!(told.contains(&format!("of container `{}`", &started[..12])), "{told}");
    assert!(told.contains(&format!("docker stop {}", &started[..12])), "{told}");
}

/// `pip --find-links` and `wget -r` look for a list of the files.
#[test]
#[ignore = "needs an engine"]
fn the_folder_is_listed() {
    let dockerfile = "FROM BASE\n\
        RUN wget -q -O - http://172.17.0.1:3000/ | grep -o '>[^<]*whl<' > /result\n";
    let file = "demo-1-py3-none-any.whl";
    let result = format!(">{file}<");
    check(dockerfile, &[file], &[], &result, "only known when it runs");
}

/// A wheel as small as can be: `demo`, which says where it is from.
fn wheel() -> Vec<u8> {
    let mut wheel = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let information = "demo-1.dist-info";
    let files = [
        ("demo.py".to_owned(), "FROM = 'the package server'\n"),
        (format!("{information}/METADATA"), "Metadata-Version: 2.1\nName: demo\nVersion: 1\n"),
        (
            format!("{information}/WHEEL"),
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        ),
        (format!("{information}/RECORD"), ""),
    ];
    for (path, content) in files {
        let options = zip::write::SimpleFileOptions::default();
        wheel.start_file(path, options).expect("a file in memory");
        std::io::Write::write_all(&mut wheel, content.as_bytes()).expect("memory is writable");
    }
    wheel.finish().expect("memory is writable").into_inner()
}

/// pip itself, out of a base with Python, finds a wheel in the server's list.
#[test]
#[ignore = "needs an engine"]
fn pip_finds_its_wheels_in_the_list() {
    let dockerfile = "FROM ascend-build-base:bookworm\n\
        RUN pip install --break-system-packages --no-cache-dir --no-index --trusted-host 172.17.0.1 \
        --find-links http://172.17.0.1:3000/ demo && python3 -c 'import demo; print(demo.FROM)' > /result\n";
    for builder in Builders {
        let ground = Ground::with(dockerfile, builder);
        ground.write("demo-1-py3-none-any.whl", wheel());
        ground.build(&[]).exits(0);
        assert_eq!(ground.in_image("stage-0", "cat /result"), "the package server", "{builder}");
    }
}
