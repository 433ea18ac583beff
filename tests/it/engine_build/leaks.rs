//! What must not stay in an image: package files, and the server's address.

use super::BUILDERS;
use crate::support::{Fixture, Layers, sha256};

const FILE: &str = "Ascend-cann-toolkit_9.9.9_linux-x86_64.run";

/// Builds one stage that installs something of a package, and takes its image apart.
fn layers(builder: &str, command: &str) -> (Layers, Vec<u8>, String) {
    let fixture = Fixture::on_engine();
    let content = fixture.package("cann-toolkit", FILE, 400_000);
    fixture.one_stage(&format!(
        "RUN --package=cann-toolkit {command}\nUSER builder\nRUN --package=cann-toolkit true\n"
    ));
    let outcome = fixture.build(builder, &[]).exits(0);
    let server = outcome.events_called("engine-ready")[0]["server"]
        .as_str()
        .expect("the address is a text")
        .to_owned();
    (Layers::of(&fixture.docker().save(&fixture.image("S"))), content, server)
}

#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn no_byte_of_a_package_and_no_address_stays() {
    for builder in BUILDERS {
        let (layers, content, server) =
            layers(builder, "cat \"$PACKAGES\"/*.run | wc -c > /installed");
        let address = server.trim_start_matches("http://");
        let port = address.rsplit(':').next().expect("the address has a port");
        assert!(layers.hold(b"installed"), "what the instruction made is in a layer");
        assert!(!layers.hold_any_of(&content), "a layer holds bytes of the package");
        for (what, bytes) in [
            ("name", FILE),
            ("sha256", &sha256(&content)),
            ("folder", "ascend-build-packages"),
            ("server", address),
        ] {
            assert!(!layers.hold(bytes.as_bytes()), "a layer holds the package's {what}");
        }
        assert!(
            !layers.configuration_holds(address.as_bytes()),
            "the server's address is in the configuration"
        );
        assert!(
            !layers.configuration_holds(format!(":{port}/").as_bytes()),
            "the server's port is in the configuration"
        );
        assert!(
            layers.configuration_holds(b"\"ascend-build.stage\""),
            "the configuration is looked through"
        );
    }
}

/// The search above finds what it looks for.
#[test]
#[ignore = "needs a Docker Engine; scripts/test runs it"]
fn a_copied_package_and_a_noted_address_are_found() {
    let (layers, content, server) = layers(
        "auto",
        "cp \"$PACKAGES\"/*.run /kept.run && ls \"$PACKAGES\" > /names && sha256sum /kept.run > /digest",
    );
    assert!(layers.hold_any_of(&content));
    assert!(layers.hold(FILE.as_bytes()) && layers.hold(sha256(&content).as_bytes()));
    assert!(!layers.hold(server.as_bytes()));
}
