#!/bin/sh
# Signs an image, attests to it and gates it, in a job of a CI system. The GitHub action runs this file; the GitLab
# component and the Tekton task carry the same text, because they cannot bring a file along (test/stories/ci.test.ts).
#
#   SEALWARD_IMAGE         HOST/REPOSITORY:TAG, or better @sha256:DIGEST
#   SEALWARD_STEPS         which of "sign attest gate" to do
#   SEALWARD_KEY           who signs: references of keys, as in env://SIGNING_KEY; several sign side by side
#   SEALWARD_FORMAT        bundle, legacy or both
#   SEALWARD_RECURSIVE     true: of an index, sign each image that it lists, too
#   SEALWARD_PROVENANCE    true: attest to provenance out of the job's environment
#   SEALWARD_SBOM          a file to attest to; empty for none
#   SEALWARD_SCAN          a scanner's report to attest to; empty for none
#   SEALWARD_PUBLIC_KEY    whom the gate trusts: public keys, any of them is enough; or
#   SEALWARD_IDENTITY      the name in the certificate, and who vouched for it:
#   SEALWARD_ISSUER
#   SEALWARD_TRUSTED_ROOT  a trusted_root.json; empty for the public one
#   SEALWARD_IGNORE_TLOG   true: the gate takes signatures without an entry in a transparency log
#   SEALWARD_PASSWORD_FILE the password of the key files, when it is there; else COSIGN_PASSWORD
#   SEALWARD_REGISTRY      when the image is in this registry, log in with
#   SEALWARD_REGISTRY_USER and SEALWARD_REGISTRY_PASSWORD
#   SEALWARD_DOTENV        write the digest into this file as SEALWARD_DIGEST=..., too
#   SEALWARD_RESULTS       write outcome, code and digest as files into this folder, too
#   SEALWARD_PROGRAM       what to run; `sealward` when not said
#
# Paths and references hold no white space; it stands between them.
set -euf

program=${SEALWARD_PROGRAM:-sealward}
image=${SEALWARD_IMAGE:-}
steps=${SEALWARD_STEPS-sign attest gate}
digest=

refuse() {
  printf 'sealward: %s\n' "$1" >&2
  exit 2
}

true_or_false() {
  case $2 in
    true) return 0 ;;
    false | '') return 1 ;;
    *) refuse "$1 is true or false, and here it is something else" ;;
  esac
}

# The digest that a result names first: what was signed or judged.
digest_in() {
  sed -n 's/^ *"digest": *"\(sha[0-9]*:[0-9a-f]\{64,128\}\)",*$/\1/p' "$1" | head -n 1
}

# From here on everything is about the digest: a tag that is moved in between changes nothing.
pin() {
  digest=$(digest_in "$1")
  [ -n "$digest" ] || refuse 'the result names no digest'
  name=${image%%@*}
  last=${name##*/}
  image=${name%/*}/${last%%:*}@$digest
}

# Runs a command with the password in a file, where there is one.
with_password() {
  if [ -f "${SEALWARD_PASSWORD_FILE:-}" ]; then set -- "$@" --password-file "$SEALWARD_PASSWORD_FILE"; fi
  "$@" "$image"
}

sign() {
  set -- "$program" sign --yes --output json --output-file "$work/signed" --signature-format "${SEALWARD_FORMAT:-bundle}"
  if true_or_false SEALWARD_RECURSIVE "${SEALWARD_RECURSIVE:-}"; then set -- "$@" --recursive; fi
  for key in $SEALWARD_KEY; do set -- "$@" --key "$key"; done
  with_password "$@"
  pin "$work/signed"
  printf 'signed %s\n' "$image"
}

# Each predicate is a statement of its own. Statements are signed by one key, the first.
attest() {
  for first in $SEALWARD_KEY; do break; done
  with_password "$program" attest --yes --key "$first" --signature-format "${SEALWARD_FORMAT:-bundle}" --output json --output-file "$work/attested" "$@"
  pin "$work/attested"
  printf 'attested to %s: %s\n' "$image" "$1"
}

gate() {
  set -- "$program" gate --output json --output-file "$work/gated"
  for key in ${SEALWARD_PUBLIC_KEY:-}; do set -- "$@" --key "$key"; done
  if [ -n "${SEALWARD_IDENTITY:-}" ]; then set -- "$@" --certificate-identity "$SEALWARD_IDENTITY"; fi
  if [ -n "${SEALWARD_ISSUER:-}" ]; then set -- "$@" --certificate-oidc-issuer "$SEALWARD_ISSUER"; fi
  if [ -n "${SEALWARD_TRUSTED_ROOT:-}" ]; then set -- "$@" --trusted-root "$SEALWARD_TRUSTED_ROOT"; fi
  if [ -n "${SEALWARD_RESULTS:-}" ]; then set -- "$@" --results "$SEALWARD_RESULTS"; fi
  if true_or_false SEALWARD_IGNORE_TLOG "${SEALWARD_IGNORE_TLOG:-}"; then set -- "$@" --insecure-ignore-tlog; fi
  "$@" "$image"
  pin "$work/gated"
}

[ -n "$image" ] || refuse 'SEALWARD_IMAGE names no image'
case $image in
  -*) refuse 'SEALWARD_IMAGE names no image' ;;
esac
some=
for step in $steps; do
  some=$step
  case $step in
    gate) ;;
    sign | attest) [ -n "${SEALWARD_KEY:-}" ] || refuse "SEALWARD_KEY is empty, and $step needs a key" ;;
    *) refuse 'SEALWARD_STEPS may be sign, attest and gate, and here it holds something else' ;;
  esac
done
[ -n "$some" ] || refuse 'SEALWARD_STEPS is empty: nothing would be signed or judged'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# A password goes to the registry that it is for, and to no other.
if [ "${SEALWARD_REGISTRY:-}" = "${image%%/*}" ]; then
  printf '%s' "${SEALWARD_REGISTRY_PASSWORD:-}" | "$program" login --username "${SEALWARD_REGISTRY_USER:-}" --password-stdin "$SEALWARD_REGISTRY"
fi

for step in $steps; do
  case $step in
    sign) sign ;;
    attest)
      if true_or_false SEALWARD_PROVENANCE "${SEALWARD_PROVENANCE:-}"; then attest --from-ci; fi
      if [ -n "${SEALWARD_SBOM:-}" ]; then attest --sbom "$SEALWARD_SBOM"; fi
      if [ -n "${SEALWARD_SCAN:-}" ]; then attest --scan "$SEALWARD_SCAN"; fi
      ;;
    gate) gate ;;
  esac
  if [ -n "$digest" ]; then
    if [ -n "${SEALWARD_RESULTS:-}" ]; then printf '%s' "$digest" > "$SEALWARD_RESULTS/digest"; fi
    if [ -n "${SEALWARD_DOTENV:-}" ]; then printf 'SEALWARD_DIGEST=%s\nSEALWARD_SIGNED_IMAGE=%s\n' "$digest" "$image" > "$SEALWARD_DOTENV"; fi
  fi
done
if [ -n "${GITHUB_OUTPUT:-}" ] && [ -n "$digest" ]; then printf 'digest=%s\nimage=%s\n' "$digest" "$image" >> "$GITHUB_OUTPUT"; fi
