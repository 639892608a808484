#!/bin/sh
# Verifies the evidence of one ceremony with OpenSSL and unzip alone, without kortd.
# Usage: verify-evidence.sh CONTAINER.asice SEAL-CERTIFICATE.pem [ANCHORS.pem]
# ANCHORS: certificates of the authorities that issued the signers' cards; without them it is not checked whose the signatures are.
# Exit status 0: everything is as it was sealed. Certificates of signers are looked at as of the end of the ceremony; whether they were revoked is not asked.
set -eu

container=${1:?usage: verify-evidence.sh CONTAINER SEAL-CERTIFICATE [ANCHORS]}
seal=${2:?usage: verify-evidence.sh CONTAINER SEAL-CERTIFICATE [ANCHORS]}
anchors=${3:-}

fail() {
  echo "NOT VALID: $1" >&2
  exit 1
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM

# The form: readable, plain names, each once, the media type first.
unzip -tqq "$container" >"$folder/unzip" 2>&1 || fail "unzip: $(head -n 1 "$folder/unzip")"
unzip -Z1 "$container" >"$folder/names"
[ "$(head -n 1 "$folder/names")" = mimetype ] || fail 'the first file is not mimetype'
if grep -Evq '^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$' "$folder/names"; then fail 'a file has a name that is not allowed'; fi
[ -z "$(sort "$folder/names" | uniq -d)" ] || fail "a file comes twice: $(sort "$folder/names" | uniq -d | head -n 1)"
mkdir "$folder/files"
unzip -qq -d "$folder/files" "$container"
case $seal in /*) ;; *) seal=$PWD/$seal ;; esac
case $anchors in '' | /*) ;; *) anchors=$PWD/$anchors ;; esac
cd "$folder/files"
[ "$(cat mimetype)" = application/vnd.etsi.asic-e+zip ] || fail 'its media type is not that of ASiC-E'

# The seal over the manifest.
openssl cms -verify -cades -binary -inform DER -in META-INF/signature.p7s -content META-INF/ASiCManifest.xml \
  -CAfile "$seal" -partial_chain -purpose any -out "$folder/sealed" 2>"$folder/openssl" ||
  fail "the seal: $(head -n 1 "$folder/openssl")"
echo "sealed by $(openssl x509 -in "$seal" -noout -subject -nameopt utf8,sep_comma_plus_space | sed 's/^subject=//')"

# The digest of each file that the manifest lists, and no file that it does not list.
sed -n 's/^<asic:DataObjectReference URI="\([^"]*\)".*<ds:DigestValue>\([^<]*\)<.*$/\1 \2/p' META-INF/ASiCManifest.xml >"$folder/listed"
[ "$(grep -c '<asic:DataObjectReference ' META-INF/ASiCManifest.xml)" = "$(wc -l <"$folder/listed" | tr -d ' ')" ] || fail 'the manifest cannot be read'
while read -r name digest; do
  [ -f "$name" ] || fail "$name is missing"
  [ "$(openssl dgst -sha256 -binary "$name" | openssl base64 -A)" = "$digest" ] || fail "$name is not the file that was sealed"
done <"$folder/listed"
{ cut -d ' ' -f 1 "$folder/listed"; printf '%s\n' mimetype META-INF/ASiCManifest.xml META-INF/signature.p7s; } | sort >"$folder/expected"
sort "$folder/names" | comm -23 - "$folder/expected" >"$folder/unlisted"
[ ! -s "$folder/unlisted" ] || fail "$(head -n 1 "$folder/unlisted") is not in the manifest"
echo "$(wc -l <"$folder/listed" | tr -d ' ') files as they were sealed"

# Every statement with everybody's signature, and the text beside it.
ended=$(sed -n 's/^  "endedAt": "\([^"]*\)",$/\1/p' summary.json)
at=$(date -u -d "$ended" +%s)
for cms in statements/*.p7s; do
  [ -f "$cms" ] || continue
  if [ -n "$anchors" ]; then
    set -- -cades -CAfile "$anchors" -purpose any -attime "$at"
  else
    set -- -noverify
  fi
  openssl cms -verify -binary -inform DER -in "$cms" "$@" -signer "$folder/signers" -out "$folder/text" 2>"$folder/openssl" ||
    fail "$cms: $(grep -v '^Verification failure' "$folder/openssl" | head -n 1)"
  cmp -s "$folder/text" "${cms%.p7s}.txt" || fail "$cms: the text beside it is another"
  count=$(grep -c '^-----BEGIN CERTIFICATE-----$' "$folder/signers")
  echo "$cms: $count good $([ "$count" = 1 ] && echo signature || echo signatures)"
done
[ -n "$anchors" ] || echo 'note: without ANCHORS it was not checked who the signers are' >&2
echo "VALID: evidence of $(sed -n 's/^  "ceremony": "\([^"]*\)",$/\1/p' summary.json), ended $ended"
