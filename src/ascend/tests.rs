//! Names against a published list, against families beyond it, and against any text.

use proptest::prelude::*;

use super::families::claiming;
use super::parts::Parts;
use super::wheel::Wheel;
use super::*;

/// Real names with their kind, version, arch, chip and python.
const NAMES: &str = include_str!("testdata/package-names.tsv");

/// `row` is the expected row of a list, its columns separated by spaces, `-` for an empty one.
fn check(file: &str, row: &str) {
    let columns = row.split(' ').map(|column| if column == "-" { "" } else { column });
    let expected: Vec<_> = std::iter::once(file).chain(columns).collect();
    assert_eq!(identify(file).row(file).as_slice(), expected);
}

#[test]
fn every_row_of_the_list_is_identified_exactly() {
    let rows: Vec<_> = NAMES.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 205);
    for row in rows as Vec<Vec<&str>> {
        assert_eq!(identify(row[0]).row(row[0]).as_slice(), row.as_slice());
    }
}

#[test]
fn parts_of_cann_are_identified_in_both_eras() {
    for part in ["toolkit", "nnal", "nnrt", "nnae", "tfplugin"] {
        for ending in ["run", "zip", "deb", "rpm"] {
            let file = format!("Ascend-cann-{part}_8.2.RC1.alpha002_linux-x86_64.{ending}");
            check(&file, &format!("cann-{part} 8.2.RC1.alpha002 x86_64 - -"));
        }
    }
    for chip in ["310p", "310b", "910", "910b", "950", "A3", "910_93"] {
        let lower = chip.to_lowercase();
        let kernels = format!("Ascend-cann-kernels-{chip}_8.3.RC1_linux-aarch64.run");
        check(&kernels, &format!("cann-kernels 8.3.RC1 aarch64 {lower} -"));
        let old = format!("Ascend-cann-kernels-{chip}_7.0.RC1_linux.zip");
        check(&old, &format!("cann-kernels 7.0.RC1 - {lower} -"));
        let ops = format!("Ascend-cann-{chip}-ops_9.1.0-beta.3_linux-x86_64.run");
        check(&ops, &format!("cann-ops 9.1.0-beta.3 x86_64 {lower} -"));
        let driver = format!("Ascend-hdk-{chip}-npu-driver_25.5.0_linux-x86-64.run");
        check(&driver, &format!("hdk 25.5.0 x86-64 {lower} -"));
    }
    check("Atlas-A3-cann-kernels_8.3.RC1_linux-x86_64.run", "cann-kernels 8.3.RC1 x86_64 a3 -");
    check("Ascend-cann_9.1.T6_linux-x86_64.run", "cann-bundle 9.1.T6 x86_64 - -");
    check("cann-910b-ops-math_linux-aarch64.run", "cann-component - aarch64 - -");
    check("cann-hccl_9.0.0_linux-x86_64.run", "cann-component 9.0.0 x86_64 - -");
    check("Ascend-cann-amct_6.0.RC1_linux-x86_64.tar.gz", "cann-component 6.0.RC1 x86_64 - -");
}

#[test]
fn host_packages_are_identified() {
    check("Ascend-hdk-310p-mcu_24.5.9.zip", "hdk 24.5.9 - 310p -");
    check("Ascend-hdk-910b-npu_25.0.rc1.1_linux-x86-64.zip", "hdk 25.0.rc1.1 x86-64 910b -");
    check("Atlas-A3-hdk-npu-driver_25.2.0_linux-aarch64.run", "hdk 25.2.0 aarch64 a3 -");
    check("Atlas-200i-SoC-npu_23.0.0_linux-aarch64.zip", "hdk 23.0.0 aarch64 - -");
    check("A300-3010-npu-driver_20.2.0_ubuntu18.04-x86_64.run", "hdk 20.2.0 x86_64 - -");
    check("A300-3010-npu-firmware_1.76.22.10.220.run", "hdk 1.76.22.10.220 - - -");
    check("npu-driver_25.0.rc1_sph001_linux.run", "hdk 25.0.rc1 - - -");
    check("A300t-9000-npu_21.0.4_linux-aarch64.zip", "hdk 21.0.4 aarch64 - -");
}

#[test]
fn mindie_is_identified() {
    check("Ascend-mindie_2.1.RC1_linux-aarch64_abi0.run", "mindie 2.1.RC1 aarch64 - -");
    check("Ascend-mindie-service_1.0.RC1_linux-x86_64.run", "mindie 1.0.RC1 x86_64 - -");
    check("mindie_llm-3.0.0-cp311-cp311-linux_x86_64.whl", "mindie-wheel 3.0.0 x86_64 - 311");
    check("atb_llm-3.0.0-cp310-cp310-linux_aarch64.whl", "mindie-wheel 3.0.0 aarch64 - 310");
    check(
        "mindiesd-3.0.0+torch2.9.0.abi1-cp311-cp311-linux_aarch64.whl",
        "mindie-wheel 3.0.0+torch2.9.0.abi1 aarch64 - 311",
    );
    check(
        "Ascend-mindie-image-800i-a2_2.0.rc1_linux_x86_64.tar.gz",
        "mindie-image 2.0.rc1 x86_64 a2 -",
    );
    check("Ascend-mindxdl-device-plugin_7.1.RC1_linux-aarch64.zip", "mindx 7.1.RC1 aarch64 - -");
    check("Ascend-BiSheng-toolkit_x86_64_20260101.run", "bisheng - x86_64 - -");
}

#[test]
fn wheels_are_identified() {
    check("torch-2.7.1+cpu-1-cp311-cp311-linux_x86_64.whl", "torch 2.7.1+cpu x86_64 - 311");
    check(
        "torch_npu-2.1.0.post3_20240413-cp38-cp38-linux_aarch64.whl",
        "torch-npu 2.1.0.post3_20240413 aarch64 - 38",
    );
    check("triton_ascend-3.2.0-cp39-cp39-linux_x86_64.whl", "triton-ascend 3.2.0 - - 39");
    check("mindspore-2.6.0rc1-cp311-cp311-linux_aarch64.whl", "mindspore 2.6.0rc1 aarch64 - 311");
    check(
        "npu_bridge-1.15.0-py3-none-manylinux2014_aarch64.whl",
        "tensorflow-npu 1.15.0 aarch64 - -",
    );
    check(
        "tensorflow_cpu-2.6.5-cp38-cp38-manylinux2010_x86_64.whl",
        "tensorflow 2.6.5 x86_64 - 38",
    );
    check("numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.whl", "- 1.26.4 x86_64 - 311");
    check("pytorch_v2.1.0_py3.8.tar.gz", "torch-npu-bundle 2.1.0 - - 38");
}

#[test]
fn spellings_of_mirrors_are_understood() {
    check("torch-2.7.1%2Bcpu-cp311-cp311-linux_x86_64.whl", "torch 2.7.1+cpu x86_64 - 311");
    check("Ascend-cann-toolkit_8.5.0_linux-arm64.run", "cann-toolkit 8.5.0 arm64 - -");
    check("ascend-CANN-toolkit_8.5.0_linux-AARCH64.RUN", "cann-toolkit 8.5.0 AARCH64 - -");
    check("Ascend-cann-toolkit_8.5.0_linux-aarch64 (1).run", "cann-toolkit 8.5.0 aarch64 - -");
    check(
        "Ascend-mindie-atb-models_2.0.T3_linux-arm64_py3.11_torch2.3.1-abi1.tar.gz",
        "atb-models 2.0.T3 arm64 - 311",
    );
    for file in
        ["", "README.md", "set_env.sh", "requirements.txt", "install_cann.sh", "Ascend", "%"]
    {
        check(file, "- - - - -");
    }
}

#[test]
fn names_say_more_than_lists_have_columns_for() {
    let atb = identify("Ascend-mindie-atb-models_2.3.0_linux-aarch64_torch2.1.0-abi0.tar.gz");
    assert_eq!(atb.torch.map(|torch| torch.to_string()).as_deref(), Some("2.1.0"));
    assert_eq!((atb.abi, atb.container), (Some(0), Some(Container::TarGz)));
    let triton = "triton_ascend-3.2.1-cp310-cp310-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl";
    let triton = identify(triton);
    assert_eq!((triton.platform_arch(), triton.glibc), (Some("x86_64"), Some((2, 27))));
    let old = identify("tensorflow-1.15.0-cp37-cp37m-manylinux2010_x86_64.whl");
    assert_eq!(old.glibc, Some((2, 12)));
    assert_eq!(identify("Ascend-mindie_3.0.0_linux-x86_64_abi1.run").abi, Some(1));
    let part = identify("cann-910b-ops-transformer_9.2.0_linux-x86_64.run");
    assert_eq!(part.chip.as_ref().map(Chip::as_str), Some("910b"));
    assert!(identify("foo-1.0-cp38-abi3-linux_x86_64.whl").stable_abi);
    assert!(identify("Ascend-cann_8.5.0_linux-aarch64.run").host_only());
    let extra = identify("Ascend-cann-toolkit_8.5.0_linux-aarch64_signed.run");
    assert_eq!(extra.suffix.as_deref(), Some("signed"));
}

#[test]
fn near_misses_say_what_is_usual() {
    for (file, expected) in [
        ("Ascend-mindie_2.0.RC1_linux-arm64.run", "`aarch64` is written `arm64` in this name"),
        ("pytorch_v2.1.0_py3.10.tar.gz", "`py310` is written `py3.10` in this name"),
        ("torch-2.7.1%2Bcpu-cp311-cp311-linux_x86_64.whl", "own name is `torch-2.7.1+cpu-cp311"),
        ("ascend-cann-toolkit_8.5.0_linux-x86_64.run", "the vendor writes `Ascend-cann-toolkit`"),
        ("Ascend-cann-tookit_8.5.0_linux-x86_64.run", "did you mean `Ascend-cann-toolkit`?"),
        ("Acsend-mindie_2.3.0_linux-x86_64.run", "did you mean `Ascend-mindie`?"),
        ("Ascend-mindie_2.3.0_linux-x86_64(2).run", "a copy or a second download"),
        ("Ascend-mindie_2.3.0_linux-x86_64 - Copy (3).run", "second download"),
        ("Ascend-mindie_2.3.0_linux-x86_64 - 副本.run", "second download"),
        ("Ascend-hdk-910b-npu_25.2.0_linux-x86-64.zip", "belongs on the host"),
        ("Ascend-cann_8.5.0_linux-x86_64.run", "belongs on the host"),
        ("Ascend-cann-toolkit_8.5.0_linux-x86_64.zip.part", "`.part` marks a download"),
        ("Ascend-cann-toolkit_8.5.0_linux-x86_64.zip.asc", "`.asc` marks a signature"),
        ("torch-2.7.1-cp311-cp311-win_amd64.whl", "this wheel is for `win_amd64`"),
    ] {
        let notes: Vec<_> = identify(file).notes.iter().map(ToString::to_string).collect();
        assert!(notes.iter().any(|note| note.contains(expected)), "{file}: {notes:?}");
    }
    let usual = NAMES.lines().skip(1).filter_map(|line| line.split('\t').next());
    for file in usual.filter(|file| !identify(file).host_only()) {
        assert_eq!(identify(file).notes, [], "{file}");
    }
}

/// Pieces of real names, and what could come between them.
const PIECES: &str = "Ascend Atlas A3 a300 cann kernels ops toolkit nnal hdk npu mindie atb models \
    image mindxdl mindstudio BiSheng 910b 910 93 310p - - - - _ _ _ 8.5.0 linux x86 64 aarch64 \
    abi0 py311 torch torch2.1.0 pytorch cp311 docker runtime .run .zip .whl (1) %2B é + .";

/// Texts near the grammar: pieces of real names in any order.
fn name_like() -> impl Strategy<Value = String> {
    let pieces: Vec<_> = PIECES.split_whitespace().collect();
    let pieces = proptest::collection::vec(proptest::sample::select(pieces), 0..12);
    pieces.prop_map(|pieces| pieces.concat())
}

/// A name made by the grammar, with the row that a list would have for it.
fn made_name() -> impl Strategy<Value = (String, String)> {
    let version = "[1-9][.][0-9]([.](RC[1-9]|[0-9]|T[1-9]))([.]alpha00[1-9]|-beta[.][1-9])?";
    let arch = proptest::sample::select(vec!["aarch64", "x86_64", "x86-64", "arm64"]);
    let chip = proptest::sample::select(vec!["310p", "310b", "910", "910b", "910_93", "950", "A3"]);
    let ending = proptest::sample::select(vec!["run", "zip", "deb", "rpm"]);
    (0..5_usize, version, arch, chip, ending).prop_map(|(shape, version, arch, chip, ending)| {
        let (start, kind) = [
            (format!("Ascend-cann-kernels-{chip}"), "cann-kernels"),
            (format!("Ascend-cann-{chip}-ops"), "cann-ops"),
            (format!("Ascend-hdk-{chip}-npu"), "hdk"),
            ("Ascend-cann-toolkit".to_owned(), "cann-toolkit"),
            ("Ascend-mindie".to_owned(), "mindie"),
        ][shape]
            .clone();
        let chip = if shape < 3 { chip.to_lowercase() } else { "-".to_owned() };
        let row = format!("{kind} {version} {arch} {chip} -");
        (format!("{start}_{version}_linux-{arch}.{ending}"), row)
    })
}

/// How many families claim `name`.
fn claims(name: &str) -> usize {
    let wheel = Wheel::cut(name).and_then(|wheel| super::families::wheel_kind(&wheel));
    claiming(&Parts::cut(name)).count() + usize::from(wheel.is_some())
}

#[test]
fn every_listed_name_is_claimed_once() {
    for name in NAMES.lines().skip(1).filter_map(|line| line.split('\t').next()) {
        assert_eq!(claims(name), 1, "{name}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_identify_panic(text in any::<String>()) {
        let [file, ..] = identify(&text).row(&text);
        prop_assert_eq!(file, text);
    }

    #[test]
    fn no_bytes_make_identify_panic(bytes in any::<Vec<u8>>()) {
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(claims(&text) <= 1);
        identify(&text);
    }

    #[test]
    fn names_made_by_the_grammar_are_read_back((name, row) in made_name()) {
        check(&name, &row);
        prop_assert_eq!(claims(&name), 1);
    }

    #[test]
    fn no_name_is_of_two_kinds(name in name_like()) {
        prop_assert!(claims(&name) <= 1, "{name}");
        prop_assert!(identify(&name).kind.is_none() || claims(&name) == 1 || name.contains(['%', '(']));
    }
}
