# What `RUN --package=…` does inside the build container, before and after the
# command. Needs /bin/sh and one of python3, curl, wget. Comment lines are left
# out of what the engine is given.
#
# Arguments: the number of files; for each file its address below the server
# and its name; the command. FTP_PROXY carries `http://SERVER/#KIB#OWN`: the
# server (host, port, and a path that names run and stage), how many KiB the
# files take where they may be kept in memory (else nothing), and the user's
# own FTP proxy. Engines pass the predefined proxy arguments to every RUN
# without making them part of the cache key, so another port hits the same layer.
#
# Names begin with _ab_, but in subshells: an exported variable of the user's keeps its value. (An FTP
# proxy of ENV does not, nor what is no name to a shell, such as a.b, where /bin/sh drops it.)
say() { echo "ascend-build: $*" >&2; }
case ${FTP_PROXY-} in
  http://*/\#*\#*) ;;
  *) say "the package server's address did not reach this RUN: is FTP_PROXY set with ENV?"; exit 125;;
esac
_ab_server=${FTP_PROXY%%/\#*}
_ab_in_memory=${FTP_PROXY#*/\#}
_ab_own_proxy=${_ab_in_memory#*\#}
_ab_in_memory=${_ab_in_memory%%\#*}
# Plain HTTP/1.1, because Python's own client takes three times as long to begin.
_ab_python='import os,socket,sys
def fetch(url,name):
  have=os.path.getsize(name) if os.path.exists(name) else 0
  server,path=url[7:].split("/",1)
  host,port=server.rsplit(":",1)
  peer=socket.create_connection((host.strip("[]").encode(),int(port)),60)
  ask=["GET /%s HTTP/1.1"%path,"Host: "+server,"Connection: close"]
  if have: ask.append("Range: bytes=%d-"%have)
  peer.sendall("\r\n".join(ask+["",""]).encode())
  body=peer.makefile("rb")
  status=(body.readline().split()+[b"",b""])[1].decode()
  if not status: sys.exit("connection closed before the answer")
  if status not in ("200","206"): sys.exit("error: "+status)
  fields={}
  for line in iter(body.readline,b"\r\n"):
    field,found,value=line.lower().partition(b":")
    if not found: sys.exit("connection closed before the answer")
    fields[field]=value
  if b"content-length" not in fields: sys.exit("error: no Content-Length")
  left=int(fields[b"content-length"])
  piece=memoryview(bytearray(1<<20))
  with open(name,"ab" if status=="206" else "wb") as out:
    while left:
      size=body.readinto1(piece[:left])
      if not size: sys.exit("connection closed %d bytes early"%left)
      out.write(piece[:size]); left-=size
try: fetch(*sys.argv[1:])
except Exception as error: sys.exit("error: %s"%error)'
get() (
  # The answers are read below, so they must not be translated.
  export LC_ALL=C
  unset http_proxy HTTP_PROXY all_proxy ALL_PROXY ftp_proxy FTP_PROXY
  # Python may fail where the others do not: the second attempt is another's, where there is one.
  if [ -n "$_ab_python" ] && { [ "$_ab_attempt" != 2 ] || [ -z "$_ab_has_other" ]; }; then
    python3 -B -I -S -c "$_ab_python" "$1" "$2" && [ -e "$2" ]
  elif command -v curl >/dev/null 2>&1; then
    curl -q -fsS --noproxy '*' --connect-timeout 10 --speed-limit 1000 --speed-time 60 -C - -o "$2" "$1"
  else
    # Some builds of BusyBox (Debian 12's 1.35) crash on -T; its own limit is 900 s.
    case $(wget --version 2>/dev/null) in
      # Wget2 calls a fetch done that broke off or was refused.
      *Wget2*)
        digest=${1#*/sha256/}
        wget -q -c -T 60 -O "$2" "$1" && echo "${digest%%/*}  $2" | sha256sum -c --status;;
      GNU*) wget -nv -c -T 60 -O "$2" "$1";;
      *) wget -q -c -O "$2" "$1";;
    esac
  fi
)
# Goes on after a break; what the server refuses, it refuses again. 75 is what can pass (EX_TEMPFAIL
# of sysexits.h): a run that is asked to tries again.
fetch() {
  _ab_attempt=1
  until _ab_answer=$(get "$1" "$2" 2>&1); do
    # The words of curl and python3, of GNU Wget and of BusyBox; Wget2 says nothing.
    case $_ab_answer in
      *rror:\ 416*|*RROR\ 416*|*HTTP/1.?\ 416*)
        # Nothing is left to ask for, yet the end was not noticed: begin anew.
        rm -f "$2";;
      *rror:\ 4[0-9][0-9]*|*RROR\ 4[0-9][0-9]*|*HTTP/1.?\ 4[0-9][0-9]*)
        say "the package server refused ${2##*/}: it changed after it was verified, or is not in the plan"
        return 1;;
    esac
    if [ "$_ab_attempt" -ge 5 ]; then say "giving up on ${2##*/} after $_ab_attempt attempts: $_ab_answer"; return 75; fi
    say "attempt $_ab_attempt to fetch ${2##*/} failed, going on from where it broke: $_ab_answer"
    sleep "$_ab_attempt"
    _ab_attempt=$((_ab_attempt + 1))
  done
}
# Python comes first: GNU Wget takes twice the time for a large file. What is called so may lack parts
# of it. -B: it leaves nothing of its own in the layer.
python3 -B -I -S -c 'import socket' >/dev/null 2>&1 || _ab_python=
_ab_has_other=
if { command -v curl || command -v wget; } >/dev/null 2>&1; then _ab_has_other=y; fi
if [ -z "$_ab_python$_ab_has_other" ]; then
  say "this image has no working python3, curl or wget, and RUN --package needs one of them: install one in an earlier instruction"
  exit 127
fi
_ab_count=$1
shift
# What is fetched there never reaches the disk; half as much again is left free.
has_memory() {
  [ -n "$_ab_in_memory" ] || return 1
  if is_noexec && ! never_called "$@"; then return 1; fi
  df -Pk /dev/shm 2>/dev/null | {
    read -r _ && read -r _ _ _ free _ && [ "$free" -gt $((_ab_in_memory + _ab_in_memory / 2)) ]
  }
}
# As the first builder mounts it. Of several mounts at a place the last is what is seen.
is_noexec() (
  noexec=y
  while read -r _ place _ options _; do
    case $place,$options, in
      /dev/shm,*,noexec,*|/dev/shm,noexec,*) noexec=y;;
      /dev/shm,*) noexec=;;
    esac
  done </proc/mounts
  [ -n "$noexec" ]
)
# Whether the files are only read where they lie. An installer may be called by its path, and an
# archive's unpacked beside it.
never_called() (
  left=$_ab_count
  while [ "$left" -gt 0 ]; do
    case $2 in
      *.whl|*.deb|*.rpm) ;;
      *) exit 1;;
    esac
    shift 2
    left=$((left - 1))
  done
)
_ab_preferred=
if has_memory "$@"; then _ab_preferred=/dev/shm; fi
for _ab_place in "$_ab_preferred" "${TMPDIR:-/tmp}" /var/tmp "${HOME:-/}" "$PWD" /dev/shm; do
  PACKAGES=
  case $_ab_place in /*) ;; *) continue;; esac
  PACKAGES=${_ab_place%/}/ascend-build-packages
  if mkdir "$PACKAGES" 2>/dev/null; then break; fi
  PACKAGES=
done
if [ -z "$PACKAGES" ]; then say "found no folder to put packages into: /tmp is not writable for this USER"; exit 1; fi
while [ "$_ab_count" -gt 0 ]; do
  fetch "$_ab_server/sha256/$1" "$PACKAGES/$2" || { _ab_status=$?; rm -rf "$PACKAGES"; exit "$_ab_status"; }
  shift 2
  _ab_count=$((_ab_count - 1))
done
unset FTP_PROXY
if [ -n "$_ab_own_proxy" ]; then export FTP_PROXY="$_ab_own_proxy" ftp_proxy="$_ab_own_proxy"; else unset ftp_proxy; fi
export PACKAGES
# `command`: no function of this script is meant.
command "$@"
_ab_status=$?
cd /
# Who is not root cannot empty a folder that an archive made read-only.
rm -rf "$PACKAGES" 2>/dev/null || chmod -R u+w "$PACKAGES" 2>/dev/null
if ! rm -rf "$PACKAGES"; then say "cannot remove $PACKAGES"; exit 1; fi
exit "$_ab_status"
