"""Files that are no contracts, each with the rules it breaks.

A mark (») stands before the place that the report has to point at; the rules are listed in the order of the marks.
"""

from __future__ import annotations

from typing import Any

import attrs

MARK = "»"


@attrs.frozen
class BadFile:
    """A text with marks, its format, and the rules broken at the marks."""

    name: str
    format: Any
    marked: str
    rules: tuple[str, ...]

    @property
    def text(self) -> str:
        """The text without marks."""
        return self.marked.replace(MARK, "")

    @property
    def expected(self) -> list[tuple[str, int, int]]:
        """Rule, line and column of each problem."""
        places = []
        line = column = 1
        for character in self.marked:
            if character == MARK:
                places.append((line, column))
            elif character == "\n":
                line, column = line + 1, 1
            else:
                column += 1
        assert len(places) == len(self.rules), f"{self.name}: {len(places)} marks for {len(self.rules)} rules"
        return [(rule, *place) for rule, place in zip(self.rules, places, strict=True)]


def bad(name: str, text: str, *rules: str, form: str = "yaml") -> BadFile:
    """One row of the table."""
    return BadFile(f"{form}-{name}", form, text, rules)


def nest(opening: str, levels: int) -> str:
    """``opening`` so many times."""
    return opening * levels


S = "swarm_id: s\n"
MANY = 50_001

YAML = [
    # --- grammar
    bad("unclosed-quote", f'{S}description: "text\n»', "IF010"),
    bad("unclosed-bracket", f"{S}capabilities: [a:b, c:d\nversion»: '1.0'\n", "IF010"),
    bad("unclosed-brace", f"{S}permissions: {{log: true\n»", "IF010"),
    bad("tab-indent", f"{S}slos:\n»\tperiod: 7d\n", "IF010"),
    bad("colon-in-text", f"{S}description: counts»: lines\n", "IF010"),
    bad("bad-indent", f"{S}slos:\n  period: 7d\n »target_latency_ms: 5\n", "IF010"),
    bad("key-without-colon", f"{S}version\n»", "IF010"),
    bad("stray-bracket", f"{S}»]\n", "IF010"),
    bad("at-sign", f"{S}description: »@home\n", "IF010"),
    bad("backtick", f"{S}description: »`ls`\n", "IF010"),
    bad("bad-escape", f'{S}description: "a\\»q"\n', "IF010"),
    bad("list-beside-mapping", f"{S}»- a\n", "IF010"),
    bad("percent-at-start", f"{S}description: »%x\n", "IF010"),
    # --- what YAML can do and contracts do not want
    bad("doubled-key", f'{S}version: "1.0"\n»version: "2.0"\n', "IF011"),
    bad("doubled-quoted-key", f'{S}»"swarm_id": t\n', "IF011"),
    bad("doubled-nested-key", f"{S}slos:\n  period: 7d\n  »period: 30d\n", "IF011"),
    bad("doubled-flow-key", f"{S}permissions: {{log: true, »log: false}}\n", "IF011"),
    bad("doubled-part", f"{S}slos: {{period: 7d}}\n»slos: {{period: nonsense}}\n", "IF011"),
    bad("tripled-key", f"{S}»swarm_id: t\n»swarm_id: u\n", "IF011", "IF011"),
    bad("tag-text", f"{S}version: »»!!str 1.0\n", "IF012", "IF103"),
    bad("tag-python", f"{S}metadata: »!!python/object/apply:os.system {{}}\n", "IF012"),
    bad("tag-binary", f"{S}description: »!!binary aGk=\n", "IF012"),
    bad("tag-own", f"{S}metadata: {{a: »!thing 5}}\n", "IF012"),
    bad("tag-none", f"{S}description: »! text\n", "IF012"),
    bad("tag-directive", f"»%TAG !e! tag:example.com,2026:\n---\n{S}", "IF012"),
    bad("alias-unknown", f"{S}metadata: {{a: »*nobody}}\n", "IF013"),
    bad("alias-inside-itself", f"{S}metadata: &m\n  a: »*m\n", "IF013"),
    bad("alias-before-anchor", f"{S}metadata: {{a: »*x, b: &x 5}}\n", "IF013"),
    bad("aliases-many", f"{S}metadata:\n  a: &x [1]\n  b: [{'*x, ' * 32}»*x]\n", "IF013"),
    bad(
        "alias-bomb",
        "a: &a [x]\n"
        + "".join(f"{c}: &{c} [{', '.join([f'*{p}'] * 9)}]\n" for p, c in zip("abc", "bcd", strict=True))
        + "e: &e [*d, *d, *d, *d, *d, »*d, *d, *d, *d]\n",
        "IF013",
    ),
    bad("deep-brackets", f"{S}metadata: {{a: {nest('[', 62)}»{nest('[', 1000)}", "IF014"),
    bad("deep-braces", f"{S}metadata: {nest('{a: ', 63)}»{nest('{a: ', 1000)}", "IF014"),
    bad("deep-dashes", f"{nest('- ', 64)}»{nest('- ', 1000)}", "IF014"),
    bad("deep-keys", f"? »{nest('? ', 63)}»{nest('? ', 1000)}", "IF019", "IF014"),
    bad("merge-key", f"{S}metadata: {{a: &a {{b: 1}}}}\nslos:\n  »<<: *a\n", "IF015"),
    bad("two-documents", f"{S}»---\n{S}", "IF016"),
    bad("second-document-after-end", f"{S}...\n»---\n", "IF016"),
    bad("yaml-1.1", f"»%YAML 1.1\n---\n{S}", "IF017"),
    bad("many-values", "- 1\n" * (MANY - 2) + "- »1\n- 1\n", "IF018"),
    bad("list-as-key", f"{S}? »[a, b]\n: 1\n", "IF019"),
    bad("mapping-as-key", f"{S}»{{a: b}}: 1\n", "IF019"),
    bad("line-separator", f"{S}description: a»\u2028b\n", "IF002"),
    bad("next-line", f"{S}description: a»\x85b\n", "IF002"),
    bad("mark-inside", f"{S}description: a»\ufeffb\n", "IF002"),
    bad("null-character", f"{S}description: a»\0b\n", "IF002"),
    bad("escape-character", f"{S}description: »\x1b[31mred\n", "IF002"),
    # --- the whole is no contract
    bad("empty", "»", "IF103"),
    bad("only-comments", "»# nothing\n", "IF103"),
    bad("only-start", "---\n»", "IF103"),
    bad("top-list", "»- swarm_id: s\n", "IF103"),
    bad("top-text", "»swarm_id\n", "IF103"),
    bad("top-number", "»5\n", "IF103"),
    bad("top-null", "»~\n", "IF103"),
    bad("empty-mapping", "»{}\n", "IF104"),
    bad("no-swarm-id", '»version: "1.0"\n', "IF104"),
    # --- keys
    bad("unknown-key", f"{S}»colour: red\n", "IF101"),
    bad("misspelled-key", f"{S}»resource_limit:\n  max_memory_mb: 5\n", "IF101"),
    bad("misspelled-nested-key", f"{S}resource_limits:\n  # memory\n  »max_memroy_mb: 64\n", "IF101"),
    bad("unknown-number-key", f"{S}»5: x\n", "IF101"),
    bad("unknown-null-key", f"{S}»~: x\n", "IF101"),
    bad("upper-case-key", f"{S}»Version: '1.0'\n", "IF101"),
    bad("unknown-escaped-key", f'{S}»"a\\x1bb": 1\n', "IF101"),
    bad("unknown-task-key", f"{S}tasks:\n  run: {{abi: buffer, »timeout: 5}}\n", "IF101"),
    bad("unknown-module-key", f"{S}module: {{path: a.wasm, »sha512: x}}\n", "IF101"),
    bad("missing-module-path", f"{S}module: »{{sha256: null}}\n", "IF104"),
    # --- texts
    bad("id-upper-case", "swarm_id: »Analyzer\n", "IF105"),
    bad("id-space", "swarm_id: »my swarm\n", "IF105"),
    bad("id-dash-first", 'swarm_id: »"-a"\n', "IF105"),
    bad("id-empty", 'swarm_id: »""\n', "IF105"),
    bad("id-slash", "swarm_id: »a/b\n", "IF105"),
    bad("id-long", f"swarm_id: »{'a' * 64}\n", "IF108"),
    bad("id-number", "swarm_id: »007\n", "IF103"),
    bad("id-null", "»swarm_id:\n", "IF103"),
    bad("id-list", "swarm_id: »[s]\n", "IF103"),
    bad("version-number", f"{S}version: »1.10\n", "IF103"),
    bad("version-integer", f"{S}version: »2\n", "IF103"),
    bad("version-one-part", f'{S}version: »"2"\n', "IF105"),
    bad("version-v", f"{S}version: »v1.0.0\n", "IF105"),
    bad("version-null", f"{S}version: »null\n", "IF103"),
    bad("created-seconds", f"{S}created_at: »1795132800\n", "IF103"),
    bad("created-day", f"{S}created_at: »2026-11-20\n", "IF105"),
    bad("created-zone", f"{S}created_at: »2026-11-20T00:00:00\n", "IF105"),
    bad("created-february", f"{S}created_at: »2026-02-30T00:00:00Z\n", "IF105"),
    bad("created-early", f"{S}created_at: »1969-12-31T23:59:59Z\n", "IF102"),
    bad("created-flag", f"{S}created_at: »true\n", "IF103"),
    bad("description-list", f"{S}description: »[a]\n", "IF103"),
    bad("description-number", f"{S}description: »5\n", "IF103"),
    bad("description-long", f"{S}description: »{'x' * 4097}\n", "IF108"),
    bad("description-hidden", f'{S}description: »"a\\u202eb"\n', "IF105"),
    bad("capabilities-text", f"{S}capabilities: »docs:tutorials\n", "IF103"),
    bad("capabilities-mapping", f"{S}capabilities:\n  »docs: tutorials\n", "IF103"),
    bad("capabilities-null", f"{S}»capabilities:\n", "IF103"),
    bad("capability-without-colon", f"{S}capabilities:\n  - a:b\n  - »tutorials\n", "IF105"),
    bad("capability-upper-case", f"{S}capabilities: [»Docs:API]\n", "IF105"),
    bad("capability-number", f"{S}capabilities: [»5]\n", "IF103"),
    bad("capability-as-mapping", f"{S}capabilities:\n  - »docs: tutorials\n", "IF103"),
    bad("capability-twice", f"{S}capabilities: [a:b, c:d, »a:b]\n", "IF107"),
    bad("capabilities-many", f"{S}capabilities: »[{', '.join(f'a:{n}' for n in range(1025))}]\n", "IF108"),
    bad("period-unit", f"{S}slos: {{period: »30y}}\n", "IF105"),
    bad("period-number", f"{S}slos: {{period: »30}}\n", "IF103"),
    bad("period-long", f"{S}slos: {{period: »91d}}\n", "IF102"),
    # --- numbers
    bad("memory-zero", f"{S}resource_limits: {{max_memory_mb: »0}}\n", "IF102"),
    bad("memory-large", f"{S}resource_limits: {{max_memory_mb: »4097}}\n", "IF102"),
    bad("memory-text", f'{S}resource_limits: {{max_memory_mb: »"64"}}\n', "IF103"),
    bad("memory-unit", f"{S}resource_limits: {{max_memory_mb: »64Mi}}\n", "IF103"),
    bad("memory-fraction", f"{S}resource_limits: {{max_memory_mb: »64.5}}\n", "IF102"),
    bad("memory-underscore", f"{S}resource_limits: {{max_memory_mb: »1_000}}\n", "IF103"),
    bad("memory-flag", f"{S}resource_limits: {{max_memory_mb: »true}}\n", "IF103"),
    bad("memory-null", f"{S}resource_limits: {{max_memory_mb: »null}}\n", "IF103"),
    bad("memory-nan", f"{S}resource_limits: {{max_memory_mb: ».nan}}\n", "IF102"),
    bad("memory-infinity", f"{S}resource_limits: {{max_memory_mb: »-.inf}}\n", "IF102"),
    bad("memory-5000-digits", f"{S}resource_limits: {{max_memory_mb: »{'9' * 5000}}}\n", "IF102"),
    bad("memory-octal", f"{S}resource_limits: {{max_memory_mb: »0o77777}}\n", "IF102"),
    bad("time-huge", f"{S}resource_limits: {{max_execution_time_seconds: »1e999}}\n", "IF102"),
    bad("cpu-above-tasks", f"{S}resource_limits: {{max_cpu_percent: »101}}\n", "IF201"),
    bad("availability-hundred", f"{S}slos: {{target_availability_percent: »100}}\n", "IF102"),
    bad("latency-zero", f"{S}slos: {{target_latency_ms: »0}}\n", "IF102"),
    bad("fuel-2-to-53", f"{S}resource_limits: {{max_fuel: »9007199254740992}}\n", "IF102"),
    # --- parts
    bad("limits-list", f"{S}resource_limits:\n  »- max_memory_mb: 5\n", "IF103"),
    bad("limits-nothing", f"{S}»resource_limits:\n#  max_memory_mb: 5\n", "IF103"),
    bad("slos-text", f"{S}slos: »fast\n", "IF103"),
    bad("permissions-list", f"{S}permissions: »[log]\n", "IF103"),
    bad("log-yes", f"{S}permissions: {{log: »yes}}\n", "IF103"),
    bad("log-number", f"{S}permissions: {{log: »1}}\n", "IF103"),
    bad("wasi-full", f"{S}permissions: {{wasi: »full}}\n", "IF106"),
    bad("wasi-flag", f"{S}permissions: {{wasi: »false}}\n", "IF103"),
    bad("instance-word", f"{S}execution: {{instance: »process}}\n", "IF106"),
    bad(
        "kept-and-shared",
        f"{S}execution: {{instance: »swarm}}\nresource_limits: {{max_concurrent_tasks: 2}}\n",
        "IF202",
    ),
    bad("metadata-list", f"{S}metadata: »[a]\n", "IF103"),
    bad("metadata-nan", f"{S}metadata: {{a: [1, ».NaN]}}\n", "IF102"),
    bad("metadata-number-key", f"{S}metadata: {{a: {{»5: x}}}}\n", "IF103"),
    bad("metadata-deep", f"{S}metadata: »{{a: {nest('[', 16)}{nest(']', 16)}}}\n", "IF108"),
    bad("metadata-large", f"{S}metadata: »{{a: {'x' * 65_536}}}\n", "IF108"),
    # --- tasks and modules
    bad("tasks-list", f"{S}tasks:\n  »- run\n", "IF103"),
    bad("task-null", f"{S}tasks:\n  »run:\n", "IF103"),
    bad("task-empty-name", f'{S}tasks: {{»"": {{}}}}\n', "IF105"),
    bad("task-number-name", f"{S}tasks: {{»5: {{}}}}\n", "IF103"),
    bad("task-abi", f"{S}tasks: {{run: {{abi: »bufer}}}}\n", "IF106"),
    bad("task-returns", f"{S}tasks: {{run: {{returns: »xml}}}}\n", "IF106"),
    bad("task-command", f"{S}tasks: {{run: {{abi: »command}}}}\n", "IF203"),
    bad("task-runtime-name", f"{S}tasks:\n  »initialize: {{}}\n", "IF204"),
    bad("task-scalar-json", f"{S}tasks: {{run: {{abi: scalar, returns: »json}}}}\n", "IF205"),
    bad("params-text", f"{S}tasks: {{run: {{params: »object}}}}\n", "IF103"),
    bad("params-keyword", f"{S}tasks: {{run: {{params: {{»propertes: {{}}}}}}}}\n", "IF101"),
    bad("params-type", f"{S}tasks: {{run: {{params: {{type: »txt}}}}}}\n", "IF109"),
    bad("params-remote", f'{S}tasks: {{run: {{params: {{$ref: »"https://example.com/s.json"}}}}}}\n', "IF111"),
    bad("module-text", f"{S}module: »a.wasm\n", "IF103"),
    bad("module-outside", f"{S}module: {{path: »../a.wasm}}\n", "IF105"),
    bad("module-absolute", f"{S}module: {{path: »/etc/passwd}}\n", "IF105"),
    bad("module-digest", f"{S}module: {{path: a.wasm, sha256: »abc}}\n", "IF105"),
    # --- several at once, in the order of the text
    bad(
        "several",
        "version: »1\nswarm_id: »S\n»swarm_id: t\nslos: {period: »1y}\n»extra: 1\ncapabilities: [»A, a:b, »a:b]\n",
        *("IF103", "IF105", "IF011", "IF105", "IF101", "IF105", "IF107"),
    ),
    bad("alias-value", f"{S}metadata: {{a: &x 5}}\nversion: »*x\n", "IF103"),
]

T = 'swarm_id = "s"\n'
TOML = [
    bad("unquoted-text", "swarm_id = »s\n", "IF010", form="toml"),
    bad("unclosed-quote", f'{T}version = "1.0»\n', "IF010", form="toml"),
    bad("two-on-a-line", f'{T}version = "1.0" »description = "x"\n', "IF010", form="toml"),
    bad("no-value", f"{T}version = »\n", "IF010", form="toml"),
    bad("unclosed-table", f"{T}[slos»\n", "IF010", form="toml"),
    bad("yaml-inside", "swarm_id»: s\n", "IF010", form="toml"),
    bad("5000-digits", f"{T}[resource_limits]\nmax_memory_mb = »{'9' * 5000}\n", "IF010", form="toml"),
    bad("doubled-key", f'{T}»swarm_id = "t"\n', "IF011", form="toml"),
    bad("doubled-table", f'{T}[slos]\nperiod = "7d"\n»[slos]\nperiod = "30d"\n', "IF011", form="toml"),
    bad("doubled-dotted-key", f'{T}slos.period = "7d"\n»slos.period = "30d"\n', "IF011", form="toml"),
    bad("deep-dotted-key", f"{T}{nest('a.', 64)}»{nest('a.', 50_000)}b = 1\n", "IF014", form="toml"),
    bad("deep-table", f"{T}[{nest('a.', 64)}»a]\n", "IF014", form="toml"),
    bad("deep-list", f"{T}a = {nest('[', 63)}»[{nest(']', 64)}\n", "IF014", form="toml"),
    bad("deep-inline-table", f"{T}a = {nest('{a=', 63)}»{nest('{a=', 5000)}\n", "IF014", form="toml"),
    bad("many-values", f"{T}a = [{nest('1,', MANY - 6)}»1, 1]\n", "IF018", form="toml"),
    bad("empty", "»", "IF104", form="toml"),
    bad("unknown-key", f"{T}»colour = 1\n", "IF101", form="toml"),
    bad("misspelled-in-table", f"{T}[resource_limits]\n»max_memroy_mb = 1\n", "IF101", form="toml"),
    bad("misspelled-dotted", f"{T}resource_limits.»max_memroy_mb = 1\n", "IF101", form="toml"),
    bad("misspelled-table", f"{T}[»resource_limit]\nmax_memory_mb = 1\n", "IF101", form="toml"),
    bad("version-number", f"{T}version = »1.10\n", "IF103", form="toml"),
    bad("created-local", f"{T}created_at = »2026-11-20T00:00:00\n", "IF105", form="toml"),
    bad("created-day", f"{T}created_at = »2026-11-20\n", "IF103", form="toml"),
    bad("memory-range", f"{T}[resource_limits]\nmax_memory_mb = »0x1001\n", "IF102", form="toml"),
    bad("memory-infinity", f"{T}resource_limits = {{max_memory_mb = »inf}}\n", "IF102", form="toml"),
    bad("memory-nan", f"{T}resource_limits = {{max_fuel = »nan}}\n", "IF102", form="toml"),
    bad("capability", f'{T}capabilities = [\n  "a:b", # fine\n  »"tutorials",\n]\n', "IF105", form="toml"),
    bad("task-abi", f'{T}[tasks.run]\nabi = »"bufer"\n', "IF106", form="toml"),
    bad("task-quoted-name", f'{T}[tasks."a.b"]\nabi = »"bufer"\n', "IF106", form="toml"),
    bad("tasks-array", f'{T}»[[tasks]]\nabi = "buffer"\n', "IF103", form="toml"),
    bad("metadata-date", f"{T}[metadata]\nbuilt = »2026-11-20\n", "IF103", form="toml"),
    bad("null-character", f'{T}description = "a»\0b"\n', "IF002", form="toml"),
]

JSON = [
    bad("empty", "»", "IF010", form="json"),
    bad("comment", '{\n  »// name\n  "swarm_id": "s"\n}', "IF010", form="json"),
    bad("single-quotes", "{»'swarm_id': 's'}", "IF010", form="json"),
    bad("trailing-comma", '{"swarm_id": "s",»}', "IF010", form="json"),
    bad("unquoted-key", '{\n  »swarm_id: "s"\n}', "IF010", form="json"),
    bad("two-values", '{"swarm_id": "s"}\n»{}', "IF010", form="json"),
    bad("yaml-inside", "»swarm_id: s\n", "IF010", form="json"),
    bad("line-break-in-text", '{"swarm_id": "a»\nb"}', "IF010", form="json"),
    bad("doubled-key", '{"swarm_id": "s",\n »"swarm_id": "t"}', "IF011", form="json"),
    bad(
        "doubled-part", '{"swarm_id": "s", "slos": {"period": "7d"}, »"slos": {"period": ["x"]}}', "IF011", form="json"
    ),
    bad("doubled-escaped-key", '{"swarm_id": "s", »"\\u0073warm_id": "t"}', "IF011", form="json"),
    bad("doubled-nested-key", '{"swarm_id": "s", "slos": {"period": "7d", »"period": "x"}}', "IF011", form="json"),
    bad("deep", f'{{"swarm_id": "s", "metadata": {{"a": {nest("[", 62)}»[{nest("]", 63)}}}}}', "IF014", form="json"),
    bad("very-deep", f"{nest('[', 64)}»{nest('[', 200_000)}", "IF014", form="json"),
    bad("many-values", f"[{nest('1,', MANY - 2)}»1]", "IF018", form="json"),
    bad("nan", '{"swarm_id": "s", "resource_limits": {"max_memory_mb": »NaN}}', "IF102", form="json"),
    bad("infinity", '{"swarm_id": "s", "metadata": {"a": »-Infinity}}', "IF102", form="json"),
    bad("5000-digits", f'{{"swarm_id": "s", "metadata": {{"a": »{"9" * 5000}}}}}', "IF102", form="json"),
    bad("huge-float", '{"swarm_id": "s", "metadata": {"a": »1e999}}', "IF102", form="json"),
    bad("half-surrogate", '{"swarm_id": "s", "description": »"\\ud800"}', "IF105", form="json"),
    bad("half-surrogate-key", '{"swarm_id": "s", »"\\ud800": 1}', "IF101", form="json"),
    bad("escaped-null", '{"swarm_id": "s", "description": »"a\\u0000b"}', "IF105", form="json"),
    bad("top-list", '»["swarm_id"]', "IF103", form="json"),
    bad("top-null", "»null", "IF103", form="json"),
    bad("unknown-key", '{"swarm_id": "s",\n\n  »"colour": 1}', "IF101", form="json"),
    bad("version-number", '{"swarm_id": "s", "version": »1.10}', "IF103", form="json"),
    bad("created-seconds", '{"swarm_id": "s", "created_at": »0}', "IF103", form="json"),
    bad("memory-text", '{"swarm_id": "s", "resource_limits": {"max_memory_mb": »"64"}}', "IF103", form="json"),
    bad("capability", '{"swarm_id": "s", "capabilities": ["a:b", »"tutorials"]}', "IF105", form="json"),
    bad("raw-null", '{"swarm_id": "a»\0"}', "IF002", form="json"),
]

BAD_FILES = [*YAML, *TOML, *JSON]

#: Bytes that are no text, with rule, line and column.
BAD_BYTES: list[tuple[str, bytes, str, int | None, int | None]] = [
    ("utf-16", "swarm_id: s\n".encode("utf-16"), "IF002", 1, 1),
    ("utf-16-be", b"\xfe\xff" + "swarm_id: s\n".encode("utf-16-be"), "IF002", 1, 1),
    ("utf-16-without-mark", "swarm_id: s\n".encode("utf-16-le"), "IF002", 1, 2),
    ("utf-32", "swarm_id: s\n".encode("utf-32"), "IF002", 1, 1),
    ("latin-1", "swarm_id: s\ndescription: é\n".encode("latin-1"), "IF002", 2, 14),
    ("overlong", b"swarm_id: s\n# \xc0\xaf\n", "IF002", 2, 3),
    ("half-surrogate", b"swarm_id: s\n# \xed\xa0\x80\n", "IF002", 2, 3),
    ("cut-character", "swarm_id: s # é".encode()[:-1], "IF002", 1, 15),
    ("null-bytes", b"\0" * 1000, "IF002", 1, 1),
    ("a-module", b"\0asm\1\0\0\0", "IF002", 1, 1),
    ("gzip", b"\x1f\x8b\x08\x00", "IF002", 1, 2),
    ("too-large", b"#" * (1024 * 1024 + 1), "IF003", None, None),
]
