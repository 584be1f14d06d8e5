# Copyright (c) 2026 runnerkit contributors
# Licensed under the Apache License, Version 2.0
"""Two public keys that were made for the tests and sign nothing, with the fingerprints that gpg shows for them."""

from __future__ import annotations

import base64

ED25519_FINGERPRINT = "A4D81C2F5DFC2241C612D72665FF8FCDF9F0929A"
ED25519 = b"""\
-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawJxbRYJKwYBBAHaRw8BAQdAE9uz8P0Vh6WOXHjJ1hbt6NT61yQBKvg9Z5Oo
23D82U+0KnJ1bm5lcmtpdCB0ZXN0IG9uZSA8b25lQHJ1bm5lcmtpdC5leGFtcGxl
PoiQBBMWCAA4FiEEpNgcL138IkHGEtcmZf+PzfnwkpoFAmsCcW0CGwMFCwkIBwIG
FQoJCAsCBBYCAwECHgECF4AACgkQZf+Pzfnwkpqy3QD8DP8DHYUsOd0seeMZmsVt
gnmRZvMQvmuWsTgmugd6Tx8BAP83JYr0IdFMvfbJ8wYObOBi2YA1rxkJiOXwX2aR
9MMB
=+Jsf
-----END PGP PUBLIC KEY BLOCK-----
"""

RSA_FINGERPRINT = "601B23B9948682F1B8680E0D9034ABB87BE9F352"
RSA = b"""\
-----BEGIN PGP PUBLIC KEY BLOCK-----

mQENBGsCcW0BCACwMh1KWJaT6SoBrLCRXtfThnxNhiOKDuOsy/jPMo+F+RZKEafX
BacYwQCefqeEC0w/wuRI0FQeXpzMkByIRpVi9BX/h1kQLjHPiqSKxOfzbcy/rxB2
LOc51dsBaAFB9CZHoJlQJXsW9eEaTVfzn8uvBTrItONWYB4bgC6cY3LI+ObgE8DF
ONZQlpwZl/wFvcVQ55Lr1ULBOEHn+fgWqv7uGPz8PNnUEzB3Wlbuzh7Perx05Bc5
ALUvp+CguePR3EXtcq6vaKoVt6uy+1AEtNE3l+BMmVu1D9h9BZUW+itVDDO2ZiOm
HyqKGTZS+ggIgsYIiq1gGindkFz9muEoxu5rABEBAAG0KnJ1bm5lcmtpdCB0ZXN0
IHR3byA8dHdvQHJ1bm5lcmtpdC5leGFtcGxlPokBTQQTAQoAOBYhBGAbI7mUhoLx
uGgODZA0q7h76fNSBQJrAnFtAhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJ
EJA0q7h76fNS470H92sRk4eidDYXqTEt7y+VrR/cEq9EAObayiVjX2+1s1LmK5qE
7zPnZd5JeY2OvhjTgXxI26sKz5G9HMWmWjReCS0dvXpffUucY1RUgEv7GNulSr9S
vgPru9MtasstWrtBc9GZ4qmzVRO/FtBjxq48wnNtGJIen6mueAi0CLV2rXepXgWp
lgtiAQN7ObaN71ianb2llHTFBQhE2lKTbrheHLkU/bimdhKu5n4VdBGtWbY+pB/I
ovR4ljYsR2kPjgSDYihdQlOsuD9adEJWe0c1Co6VKGwDi9wlHWeumtXlDFhiXjKA
aX2tpeyJmXp4RLsfafDXjyeTjUtvjS5RJKjOvw==
=bgL1
-----END PGP PUBLIC KEY BLOCK-----
"""


def binary(armored: bytes) -> bytes:
    """The same key without its armor."""
    body = armored.split(b"\n\n", 1)[1].partition(b"\n=")[0]
    return base64.b64decode(body)


def armor(data: bytes, kind: str = "PUBLIC KEY BLOCK") -> bytes:
    """Bytes in armor, without the optional checksum."""
    begin, end = f"-----BEGIN PGP {kind}-----\n\n".encode(), f"-----END PGP {kind}-----\n".encode()
    return begin + base64.encodebytes(data) + end
