r"""The shapes of a server's internals in a text: one table, a plain name for each kind. Must not judge.

A shape is how something is written (a stack frame, a class with its package, a path with a line number, the fixed text
of a database), not a product's name: a message may mention nginx or Django. Error names of the contract or of HTTP are
not a leak, nor are field names, hosts, URLs and regular expressions.

Texts may be long and hostile, so every repetition is bounded. A pattern starts with something rare, which lets `re`
skip quickly to the next possible match; an assertion about what precedes follows it (`com\.(?<!\w....)` in place of
`\bcom\.`).
"""

from __future__ import annotations

# The first part of error names that HTTP or the contract use, such as BadRequestException.
_PUBLIC = (
    r"(?:Is|Has|No|Last|Unknown|Unexpected|Api|Client|Internal|(?:Internal)?Serv(?:er|ice)|Validation|Throttling"
    r"|RateLimit(?:Exceeded)?|InvalidRequest|Bad(?:Request|Gateway)|Unauthorized|PaymentRequired|Forbidden|NotFound"
    r"|MethodNotAllowed|NotAcceptable|(?:Request|Gateway)Timeout|Conflict|Gone|LengthRequired|PreconditionFailed"
    r"|(?:Payload|Content|RequestEntity)TooLarge|UnsupportedMediaType|Unprocessable(?:Entity|Content)|TooManyRequests"
    r"|ServiceUnavailable)"
)
_FIELD = r"(?:[Aa]mount|[Cc]ode|[Ss]toreId|[Ss]hoppingTripId|ErrorMsg|RetryAfter|Id)"
_ROOT = r"(?:srv|var|usr|opt|home|app|root|tmp|mnt|data|Users|workspace|build|src|go|layers)"
_SOURCE = (
    r"(?:[cm]?[jt]s|[jt]sx|java|kts?|scala|clj[cs]?|groovy|cs|cshtml|vb|fs|php|phtml|rb|erb|py|go|cpp|hpp|swift|exs?|erl"
    r"|hs|lua|dart|cgi|psgi|cfm)"
)
_SOURCE_OR_COUNTRY = r"(?:rs|pl|pm|ml|cc)"  # host names may have the same endings
_NAME = r"[\w.\"`\[\]]{1,80}"  # of a table or column

SHAPES: dict[str, tuple[str, ...]] = {
    "an HTML page": (
        r"<!(?i:doctype)\s{1,9}(?i:html)",
        r"<(?i:html|head|body)\b[^<>]{0,200}>\s{0,99}<(?i:!--|head|meta|title|body|style|center|h\d|p|div)",
        r"(?:\A|[\n>]|: ?\")[ \t]{0,20}<(?P<tag>(?i:title|h[1-6]|pre|center))\b[^<>]{0,200}>[^<]{0,300}</(?P=tag)\b",
    ),
    "a stack trace": (
        r"Traceback \(most recent call last",
        r"During handling of the above exception",
        r'File "[^"\n]{1,300}", line \d',
        r"\((?:Native Method|Unknown Source|<anonymous>|\w{1,80}\.(?:java|kt|scala|groovy))\)",
        r"\n\s{0,9}\.\.\. \d{1,4} (?:more|common frames)",
        r"at (?<!\wat )(?:[A-Z]\w{0,80}\.){2,12}[\w<>.`\[\],]{1,120}\([^()\n]{0,300}\)(?: in |\s{0,9}(?:[\"\\\n]|\Z))",
        r"--- End of (?:inner exception )?stack",
        r"#\d{1,4} (?:\{main\}|\[internal function\])",
        r"goroutine \d{1,9} \[",
        r"\.\(\*\w{1,80}\)\.\w",
        r"thread '[^'\n]{1,80}' panicked at",
        r"stack (?:traceback|backtrace):",
        r"RUST_BACKTRACE",
        r"CallStack \(from",
        r'\{file, ?"',
    ),
    "a source file and its line": (
        rf"\.{_SOURCE}(?<!\.(?:com|org|net|edu|gov)\.py)[\"']?(?::(?: ?line )?|\(|,? (?:on )?line )\d{{1,5}}\b",
        rf"\.{_SOURCE_OR_COUNTRY}[\"']?(?::\d{{1,5}}:\d{{1,5}}\b|,? line \d)",
    ),
    "the path of a source file": (
        rf"/(?<![\w.-]/)(?<!:/){_ROOT}/[\w.@+/-]{{1,200}}\.(?:{_SOURCE}|{_SOURCE_OR_COUNTRY}|jar|war)\b(?![/?-])",
        rf":\\{{1,4}}(?:[^\\/:*?\"<>|\n]{{1,80}}\\{{1,4}}){{0,20}}[\w.-]{{1,80}}\.(?:{_SOURCE}|dll)\b",
        r"webpack(?:-internal)?:///",
        r"/[A-Z]\w{0,80}\.class\b",
    ),
    "the path of an installed library": (
        r"node_modules[/\\]",
        r"node:internal/",
        r"(?:site|dist)-packages[/\\]",
        r"/gems/[\w-]{1,80}-\d",
        r"vendor/(?:bundle/|[\w-]{1,60}/[\w-]{1,60}/(?:src/|lib/|[\w/]{1,120}\.php\b))",
        r"BOOT-INF/",
        r"/pkg/mod/",
        r"\.(?:cargo/registry|m2/repository|nuget[/\\]packages)",
    ),
    "a class or package": (
        rf"\b(?=[A-Z])(?!{_PUBLIC}(?:Error|Exception)\b)[A-Z][A-Za-z0-9]{{1,100}}(?:Error|Exception)\b",
        (
            r"(?<![\w.@/$-])(?:[a-z][a-z0-9_]{1,40}\.){2,12}(?<!\.com\.)(?<!\.org\.)(?<!\.net\.)"
            rf"(?!{_FIELD}\b)[A-Z]{{1,20}}[a-z]"
        ),
        r"(?:com|org)\.(?<![\w.@/-]....)[a-z]\w{0,60}\.\w",
        r"javax?\.[a-z]{2,20}\.[A-Z]",
        r"\.\w{1,60}\.exceptions\b",
        r"::(?<=\w::)(?=\w{0,80}[G-Zg-z])[A-Z]\w{2}",
        r"::\w{1,80}::\w",
        r"std::\w",
        r"(?:[Cc]lass |[Tt]ype |[\"'`\[(])(?:[A-Z]\w{0,80}\\{1,4}){2,12}[A-Z]\w",
        rf"[Tt]ype:? ['\"`\[(]?(?:[A-Z]\w{{0,80}}\.){{2,12}}(?!{_FIELD}\b)[A-Z]\w",
        r"(?:System|Microsoft)\.[A-Z]\w{1,80}+(?! [a-z])",
        r"[A-Z](?<!\w.)\w{0,80}\.(?:[A-Z]\w{0,80}\.){1,12}[a-z_]\w{0,80}[?!]?/\d",
    ),
    "a printed object": (
        r"<(?:class|module) '",
        r"(?:Err|Some|Error|Exception)\(['\"]",
        r"(?:object|instance) at 0x[\da-fA-F]{6}",
        r"at 0x[\da-fA-F]{6,16}>",
        r"<0\.\d{1,6}\.\d{1,6}>",
        r"#<[A-Z]\w{0,60}(?:::\w{1,60}){0,9}(?::0x| \w{1,60}[:=])",
        r"[#%](?:[A-Z]\w{0,60}\.){1,9}[A-Z]\w{0,60}[<{]",
        r"[A-Z](?<!\w.)\w{2,80}@(?=[a-f]{0,7}\d)(?=\d{0,7}[a-f])[\da-f]{6,8}(?![\w-]|\.\w)",
    ),
    "a runtime's own message": (
        rf"'(?!{_FIELD}')\w{{1,80}}' object (?:has no attribute|is not (?:subscriptable|iterable|callable|a mapping))",
        r"Object of type \w{1,80} is not JSON",
        r"could not convert string to float",
        r"invalid literal for int",
        r"unsupported operand type\(s\)",
        r"indices must be integers",
        r"required positional argument",
        r"\[type=\w{1,60}, input_value=",
        r"maximum recursion depth exceeded",
        r'Cannot invoke "[^"\n]{1,200}" because ',
        r"nested exception is ",
        r"; default message \[",
        r"For input string: ",
        r"out of bounds for length \d",
        r"Cannot (?:read|set) propert(?:y|ies) (?:'[^'\n]{0,80}' )?of (?:undefined|null)",
        r"Cannot destructure property ",
        r"\.\w{1,80} is not a function",
        r"Maximum call stack size",
        r"Converting circular structure",
        r"Object reference not set to an instance",
        r"\| LineNumber: \d",
        r"See the inner exception",
        r"Exception while executing ",
        r"Sequence contains no (?:matching )?element",
        r"Could not load file or assembly",
        r"Nullable object must have",
        r"Input string was not in a correct",
        r"was not present in the dictionary",
        r"Undefined (?:array key|index|variable|offset|property)",
        r"Call to (?:a member function|an? undefined (?:function|method)) ",
        r"PHP \w{5,7} error",
        r"(?:Warning|Notice|Deprecated): \w{1,60}_\w{1,60}\(\)",
        r"Trying to (?:access array|get property)",
        r"Attempt to read property",
        r"must be of type \S{1,80}, \w{1,80} given",
        r"undefined (?:local variable or )?method [`']",
        r"no implicit conversion of ",
        r"can't be coerced into",
        r"invalid memory address or nil pointer",
        r"index out of range \[",
        r"all goroutines are asleep",
        r"interface conversion: ",
        r"in nil map",
        r"[Uu]nmarshal (?:type error|\w{1,20} into Go )",
        r"Field validation for '",
        r"\.[A-Z]\w{1,40}: parsing \"",
        r"driver\.Value",
        r"dial (?:tcp|udp|unix) ",
        r"rpc error: code = ",
        r"called `(?:Option|Result)::",
        r"expected `?(?:[fiu](?:8|16|32|64|128)|[iu]size)\b",
        r"\*\* \((?:[A-Z]|exit\)|throw\))",
        r"no (?:function|case) clause matching",
        r"call to erlang:",
        r"\{(?:bad[a-z]{3,8}|function_clause|case_clause|undef),",
        r"attempt to \w{4,20}(?: arithmetic on)? (?:a nil value|number with|(?:local|field|global|upvalue|method) ')",
        r"parsing [\w.]{1,80}\([A-Z]\w{0,60}\) failed",
        r"while unwrapping an Optional",
        r"(?:No module named|Unable to import module|Cannot find module) '",
        r"(?:connect|read|getaddrinfo) E[A-Z]{7}",
    ),
    "a database's own message": (
        r"SQLSTATE",
        r"SQL state \[?\d",
        r"\[Microsoft\]\[",
        r"SQLCODE",
        r"ORA-(?<!\w....)\d{5}",
        r"violates (?:unique|foreign key|not-null|check|exclusion) constraint",
        r"syntax error at or near",
        r"invalid input syntax for (?:type|integer|uuid)",
        r"too long for type character",
        r"numeric field overflow",
        r"(?:relation|column) \"[^\"\n]{1,80}\" (?:of relation \"[^\"\n]{1,80}\" )?does not exist",
        r"(?:password authentication failed|Access denied) for user ['\"]",
        r'near "[^"\n]{1,80}": syntax error',
        r"no such (?:table|column): ",
        r"SQLITE_[A-Z]{4}",
        r"(?:[Uu]nique|UNIQUE|FOREIGN KEY|NOT NULL|CHECK) constraint failed",
        r"error in your SQL syntax",
        r"Duplicate entry '[^'\n]{0,200}' for key",
        r"Data too long for column",
        r"Unknown column '",
        r"Column '\w{1,60}' cannot be null",
        r"Table '\w{1,60}\.\w{1,60}' doesn't exist",
        r"Lock wait timeout exceeded",
        r"Deadlock found when",
        r"Violation of (?:PRIMARY|UNIQUE|FOREIGN) KEY",
        r"Cannot insert (?:duplicate key|the value NULL)",
        r"Invalid object name '\w{1,60}\.",
        r"Incorrect syntax near (?:the keyword )?'",
        r"Msg \d{1,6}, Level \d",
        r"String or binary data would be",
        r"E11000 duplicate key",
        r"no such index \[",
        r"WRONGTYPE Operation",
        rf"(?:INSERT INTO|insert into) {_NAME} ?\(",
        r"(?:WHERE|where|FROM|from|JOIN|join) [\"`\[]\w{1,60}[\"`\]]\.[\"`\[]\w",
        r"(?:SELECT|select) \* (?:FROM|from) \w",
        r"UPDATE [\w.\"`\[\]]{1,80} SET [\w.\"`\[\]]{1,80} ?=",
        r"DELETE FROM [\w.\"`\[\]]{1,80} WHERE ",
        (
            rf"(?:SELECT|select) [^;\n]{{1,120}} (?:FROM|from) {_NAME}(?: (?:as )?\w{{1,40}})?"
            rf" (?:WHERE|where) {_NAME} ?[=<>]"
        ),
    ),
    "a server or library and its version": (
        r"(?:nginx|openresty|Apache|Tomcat|Jetty|Microsoft-IIS|PHP|Express|Werkzeug|gunicorn)/\d",
        r"https://(?:errors\.\w{1,40}\.dev/\d|sqlalche\.me/e/)",
    ),
}
