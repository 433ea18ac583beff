# shellcheck shell=bash
# What each stand-in installs: the paths that checks, users and other packages look for.
#
# Every function fills the folder of one package: `package.conf` for its
# installer, and `tree/`, which is copied over the installation path.
# Layout: that of CANN 8.5.0 and MindIE 2.3.0, as their images and documents show it.

# The folder of the package that is being filled, set by make-stand-ins.
package=''

readonly CANN_VERSION=8.5.0
readonly MINDIE_VERSION=2.3.0

# put FILE: writes standard input to FILE, making its folder.
put() {
    mkdir -p "$(dirname "$1")"
    cat > "$1"
}

# payload FILE BYTES: fills FILE with bytes that do not compress, named after the package and its place.
payload() {
    python3 "$LIB/stand-in-content.py" payload "$1" "$(basename "$package") ${1#"$package"/}" "$2"
}

# describe KIND VERSION ARCH NEEDS MARKER: what the installer must know.
describe() {
    put "$package/package.conf" <<EOF
kind='$1'
version='$2'
arch='$3'
needs='$4'
marker='$5'
EOF
    cp "$LIB/stand-in-install.sh" "$package/install.sh"
}

# stand_in_file FOLDER KIND: says inside the image what this is.
stand_in_file() {
    put "$1/STAND-IN" <<EOF
This is a STAND-IN for Huawei's $2: folders and file names, without its programs.
It shows that an image is put together rightly; nothing here can run a model.
EOF
}

version_info() {
    put "$1" <<EOF
Version=$3
version_dir=$3
package=$2
note=STAND-IN, not Huawei's package
EOF
}

# toolkit_tree ARCH BYTES
toolkit_tree() {
    local cann="$package/tree/cann-$CANN_VERSION"
    describe Ascend-cann-toolkit "$CANN_VERSION" "$1" '' "cann-$CANN_VERSION/set_env.sh"
    stand_in_file "$cann" Ascend-cann-toolkit
    version_info "$cann/version.info" Ascend-cann-toolkit "$CANN_VERSION"
    version_info "$cann/runtime/version.info" runtime "$CANN_VERSION"
    put "$cann/$1-linux/ascend_toolkit_install.info" <<EOF
package_name=Ascend-cann-toolkit
version=$CANN_VERSION
arch=$1
os=linux
path=/usr/local/Ascend/cann-$CANN_VERSION/$1-linux
note=STAND-IN, not Huawei's package
EOF
    toolkit_environment | put "$cann/set_env.sh"
    printf '# STAND-IN\n. /usr/local/Ascend/cann/set_env.sh\n' | put "$package/tree/ascend-toolkit/set_env.sh"
    printf '"""STAND-IN of acl."""\n' | put "$cann/python/site-packages/acl_stand_in/__init__.py"
    payload "$cann/$1-linux/lib64/libascendcl.so" $(($2 * 3 / 4))
    payload "$cann/$1-linux/devlib/libascend_hal.so" $(($2 / 4))
    ln -s "$1-linux/lib64" "$cann/lib64"
    ln -s "$1-linux/devlib" "$cann/devlib"
    ln -s "cann-$CANN_VERSION" "$package/tree/cann"
    ln -s "../cann-$CANN_VERSION" "$package/tree/ascend-toolkit/$CANN_VERSION"
    ln -s "../cann-$CANN_VERSION" "$package/tree/ascend-toolkit/latest"
}

toolkit_environment() {
    cat <<'EOF'
# STAND-IN: the variables that the real file sets.
export ASCEND_TOOLKIT_HOME=/usr/local/Ascend/cann
export ASCEND_HOME_PATH=$ASCEND_TOOLKIT_HOME
export ASCEND_AICPU_PATH=$ASCEND_TOOLKIT_HOME
export ASCEND_OPP_PATH=$ASCEND_TOOLKIT_HOME/opp
export LD_LIBRARY_PATH=$ASCEND_TOOLKIT_HOME/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PYTHONPATH=$ASCEND_TOOLKIT_HOME/python/site-packages${PYTHONPATH:+:$PYTHONPATH}
EOF
}

# ops_tree ARCH BYTES CHIP: the operators' kernels of one chip.
ops_tree() {
    local opp="$package/tree/cann-$CANN_VERSION/opp" soc="ascend$3"
    local kernels="$opp/built-in/op_impl/ai_core/tbe/kernel"
    describe "Ascend-cann-$3-ops" "$CANN_VERSION" "$1" toolkit "${kernels#"$package/tree/"}/$soc/STAND-IN"
    stand_in_file "$kernels/$soc" "Ascend-cann-$3-ops"
    version_info "$opp/version.info" "Ascend-cann-$3-ops" "$CANN_VERSION"
    printf '{"binList": [], "note": "STAND-IN"}\n' | put "$kernels/config/$soc/add.json"
    payload "$kernels/$soc/add/Add_stand_in.o" $(($2 / 2))
    payload "$kernels/$soc/mat_mul/MatMul_stand_in.o" $(($2 / 2))
}

# nnal_tree ARCH BYTES
nnal_tree() {
    local atb="$package/tree/nnal/atb" abi
    describe Ascend-cann-nnal "$CANN_VERSION" "$1" 'toolkit environment' nnal/atb/set_env.sh
    stand_in_file "$atb/$CANN_VERSION" Ascend-cann-nnal
    version_info "$atb/$CANN_VERSION/version.info" Ascend-cann-atb "$CANN_VERSION"
    for abi in 0 1; do
        payload "$atb/$CANN_VERSION/atb/cxx_abi_$abi/lib/libatb.so" $(($2 / 2))
    done
    ln -s "$CANN_VERSION" "$atb/latest"
    put "$atb/set_env.sh" <<'EOF'
# STAND-IN: the variables that the real file sets; `--cxx_abi=0` or `1` says which side.
case "${1:-}" in --cxx_abi=0) abi=0 ;; *) abi=1 ;; esac
export ATB_HOME_PATH=/usr/local/Ascend/nnal/atb/latest/atb/cxx_abi_$abi
export LD_LIBRARY_PATH=$ATB_HOME_PATH/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
EOF
}

# mindie_tree ARCH BYTES
mindie_tree() {
    local mindie="$package/tree/mindie" part
    describe Ascend-mindie "$MINDIE_VERSION" "$1" 'environment atb' mindie/set_env.sh
    stand_in_file "$mindie/$MINDIE_VERSION" Ascend-mindie
    version_info "$mindie/$MINDIE_VERSION/version.info" Ascend-mindie "$MINDIE_VERSION"
    for part in mindie-llm mindie-service; do
        payload "$mindie/$MINDIE_VERSION/$part/lib/lib${part//-/_}.so" $(($2 / 2))
        printf '# STAND-IN of the environment of %s\n' "$part" | put "$mindie/$MINDIE_VERSION/$part/set_env.sh"
    done
    printf '{"note": "STAND-IN"}\n' | put "$mindie/$MINDIE_VERSION/mindie-service/conf/config.json"
    printf '# STAND-IN\nexport MINDIE_HOME_PATH=/usr/local/Ascend/mindie/latest\n' | put "$mindie/set_env.sh"
    ln -s "$MINDIE_VERSION" "$mindie/latest"
}

# atb_models_tree ARCH BYTES: not an installer, its archive is unpacked as it is.
atb_models_tree() {
    stand_in_file "$package" Ascend-mindie-atb-models
    version_info "$package/version.info" "Ascend-mindie-atb-models for $1" "$MINDIE_VERSION"
    printf '# STAND-IN\nexport ATB_SPEED_HOME_PATH=/usr/local/Ascend/atb-models\n' | put "$package/set_env.sh"
    payload "$package/lib/libatb_speed.so" "$2"
    python3 "$LIB/stand-in-content.py" wheel "$package/atb_llm-0.0.1-py3-none-any.whl" atb_llm 0.0.1
}
