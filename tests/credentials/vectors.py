"""Some of the published test vectors of AWS Signature Version 4: requests and their signatures.

From the test suite that AWS publishes with aws-c-auth and botocore (`tests/unit/auth/aws4_testsuite`), Copyright
Amazon.com, Inc. or its affiliates, under the Apache License 2.0. Key, secret, region and service are the same for all.
"""

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SCOPE = "20150830/us-east-1/service"
HOST = (("Host", "example.amazonaws.com"),)
DATE = (("X-Amz-Date", "20150830T123600Z"),)
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
VECTORS = {
    "get-vanilla": (
        ("GET", "/", (*HOST, *DATE), b""),
        "host;x-amz-date",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-header-value-trim": (
        ("GET", "/", (*HOST, ("My-Header1", " value1"), ("My-Header2", ' "a   b   c"'), *DATE), b""),
        "host;my-header1;my-header2;x-amz-date",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "get-header-key-duplicate": (
        (
            "GET",
            "/",
            (*HOST, ("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1"), *DATE),
            b"",
        ),
        "host;my-header1;x-amz-date",
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    "get-vanilla-query-order-key-case": (
        ("GET", "/?Param2=value2&Param1=value1", (*HOST, *DATE), b""),
        "host;x-amz-date",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "post-x-www-form-urlencoded": (
        ("POST", "/", (*FORM, *HOST, *DATE), b"Param1=value1"),
        "content-type;host;x-amz-date",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
}
