#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sbom.py VERSION LINKED-LIBRARIES.tsv EPOCH FILE... - an SPDX 2.3 document: the files of a release with their sums, and the
libraries that the static programs contain, as Debian packages with their versions. Same input, same bytes."""
import datetime
import hashlib
import json
import os
import sys
import urllib.parse

# As each library's own copyright file states it, for the parts that are linked.
LICENSES = {
    "libbz2-dev": "bzip2-1.0.6", "libc6-dev": "LGPL-2.1-or-later", "libdw-dev": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "libelf-dev": "LGPL-3.0-or-later OR GPL-2.0-or-later", "libiberty-dev": "LGPL-2.0-or-later",
    "libpcre2-dev": "BSD-3-Clause", "libsqlite3-dev": "blessing", "libsodium-dev": "ISC", "libyaml-dev": "MIT", "zlib1g-dev": "Zlib",
}


def package(name, version, license_id, ref=None):
    return {"SPDXID": f"SPDXRef-{name}", "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": license_id,
            "copyrightText": "NOASSERTION", **({"externalRefs": [ref]} if ref else {})}


def main():
    version, table, epoch, *files = sys.argv[1:]
    packages = [package("spec-runner", version, "Apache-2.0")]
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-spec-runner"}]
    with open(table) as f:
        rows = {tuple(line.rstrip("\n").split("\t")[1:]) for line in list(f)[1:]}
    for name, of_debian in sorted(r for r in rows if r[0] != "-"):
        purl = f"pkg:deb/debian/{name}@{urllib.parse.quote(of_debian, safe='')}"
        packages.append(package(name, of_debian, LICENSES.get(name, "NOASSERTION"), {
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}))
        relations.append({"spdxElementId": "SPDXRef-spec-runner", "relationshipType": "STATIC_LINK", "relatedSpdxElement": f"SPDXRef-{name}"})
    listed = []
    for number, path in enumerate(files):
        with open(path, "rb") as f:
            content = f.read()
        listed.append({"SPDXID": f"SPDXRef-File-{number}", "fileName": "./" + os.path.basename(path), "copyrightText": "NOASSERTION",
                       "licenseConcluded": "NOASSERTION",
                       "checksums": [{"algorithm": kind, "checksumValue": hashlib.new(kind.lower(), content).hexdigest()}
                                     for kind in ("SHA1", "SHA256")]})
    digest = hashlib.sha256(json.dumps([packages, listed]).encode()).hexdigest()
    created = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    print(json.dumps({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"spec-runner-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/spec-runner-{version}-{digest}",
        "creationInfo": {"created": created, "creators": ["Tool: spec-runner-sbom"]},
        "packages": packages, "files": listed, "relationships": relations}, indent=1))


main()
