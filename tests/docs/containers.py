"""Checks docker/ as far as it can be without an engine: containers.py REPOSITORY WHAT."""

import fnmatch
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

import yaml
from dockerfile_parse import DockerfileParser

ROOT = pathlib.Path(sys.argv[1]).resolve()
DOCKER = ROOT / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yml").read_text())
SERVICES = COMPOSE["services"]


def variables(value):
    """Every ${NAME} in a part of the compose file, with whether it has a default."""
    if isinstance(value, dict):
        for one in value.values():
            yield from variables(one)
    elif isinstance(value, list):
        for one in value:
            yield from variables(one)
    elif isinstance(value, str):
        for name, rest in re.findall(r"\$\{(\w+)([^}]*)\}", value):
            yield name, rest.startswith(":-")


def compose():
    """Everything the compose file names is there, and nothing is open that need not be."""
    documented = set(re.findall(r"^(\w+)=", (DOCKER / "env.example").read_text(), re.M))
    used = set()
    for name, has_default in variables(COMPOSE):
        used.add(name)
        if name not in documented:
            yield f"{name} is not in env.example"
        if not has_default:
            yield f"{name} has no default: the file is wrong before setup.sh"
    for name in documented - used:
        yield f"{name} of env.example is used by nothing"
    setup = (DOCKER / "setup.sh").read_text()
    made = re.search(r"for name in ([^;]+);", setup).group(1).split()
    for name, secret in COMPOSE["secrets"].items():
        if pathlib.Path(secret["file"]).name.removesuffix("-password") not in made:
            yield f"setup.sh does not make the secret {name}"
    volumes = set(COMPOSE["volumes"])
    known = {"image", "build", "command", "entrypoint", "environment", "secrets", "volumes", "ports", "depends_on",
             "healthcheck", "restart", "network_mode", "read_only", "tmpfs", "cap_drop", "security_opt", "user"}
    for name, service in SERVICES.items():
        for key in set(service) - known:
            yield f"{name}: {key} is not a key of a service, or not one that this test knows"
        image = service["image"]
        if image != "salesmart" and not re.search(r":\D*\d", image):
            yield f"{name}: {image} names no version"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                if not (DOCKER / source).exists():
                    yield f"{name}: {source} is not there"
            elif source not in volumes:
                yield f"{name}: the volume {source} is not declared"
        for secret in service.get("secrets", []):
            if secret not in COMPOSE["secrets"]:
                yield f"{name}: the secret {secret} is not declared"
        environment = service.get("environment", {})
        for key, value in environment.items():
            if str(value).startswith("/run/secrets/"):
                if value.rsplit("/", 1)[1] not in service.get("secrets", []):
                    yield f"{name}: {key} names a secret that the service does not get"
            elif re.search("PASS|SECRET|TOKEN", key):
                yield f"{name}: {key} stands in clear"
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"{name}: {port} is open to the network"
        for other, condition in service.get("depends_on", {}).items():
            if other not in SERVICES:
                yield f"{name} waits for {other}, which is not there"
            elif condition["condition"] == "service_healthy" and not SERVICES[other].get("healthcheck", {}).get("test"):
                if SERVICES[other]["image"] != "salesmart":
                    yield f"{name} waits for the health of {other}, which has no check"
        if "network_mode" in service and service.get("ports"):
            yield f"{name}: a shared network has no ports of its own"
        if image == "salesmart" and not (service.get("read_only") and service.get("cap_drop") == ["ALL"]):
            yield f"{name} may do more than it needs"


def kept(path):
    """Whether .dockerignore lets a file of the repository into the build."""
    result = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        negated, pattern = line.startswith("!"), line.lstrip("!")
        parts = path.split("/")
        for length in range(1, len(parts) + 1):
            prefix = "/".join(parts[:length])
            tail = pattern.removeprefix("**/")
            if fnmatch.fnmatchcase(prefix, pattern) and ("/" in pattern or "/" not in prefix) or (
                    pattern.startswith("**/") and fnmatch.fnmatchcase(parts[length - 1], tail)):
                result = negated
    return result


def image():
    """The Dockerfile parses, copies what is there, and ends as somebody who is not root."""
    parser = DockerfileParser(path=str(DOCKER / "Dockerfile"))
    steps = [(step["instruction"], step["value"]) for step in parser.structure if step["instruction"] != "COMMENT"]
    stages = [value for instruction, value in steps if instruction == "FROM"]
    toolchain = re.search(r'channel = "(\d+\.\d+)', (ROOT / "rust-toolchain.toml").read_text()).group(1)
    if not stages[0].startswith(f"rust:{toolchain}"):
        yield f"the builder is {stages[0]}, and the toolchain {toolchain}"
    final = steps[max(place for place, step in enumerate(steps) if step[0] == "FROM"):]
    users = [value for instruction, value in final if instruction == "USER"]
    if not users or users[-1] in ("root", "0"):
        yield "it runs as root"
    if not any(instruction == "HEALTHCHECK" for instruction, _ in final):
        yield "it has no health check"
    for instruction, value in steps:
        if instruction in ("ADD",):
            yield f"ADD {value}: COPY does what is seen"
        if instruction == "COPY" and "--from=" not in value:
            sources = [word for word in value.split()[:-1] if not word.startswith("--")]
            for source in sources:
                if not (ROOT / source).exists():
                    yield f"COPY {source}: it is not there"
                elif source != "." and not kept(source):
                    yield f"COPY {source}: .dockerignore leaves it out"
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    # What the build reads: manifests, sources, and what sources take in from outside their crate.
    needed = {path for path in tracked if path.startswith(("crates/", "sql/", "xtask/")) or path in (
        "Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo/config.toml", "tests/Cargo.toml",
        "tests/stories.rs", "tests/src/lib.rs")}
    for path in sorted(needed):
        if path.endswith(".rs") and path.startswith("crates/") and "/tests" not in path:
            source = (ROOT / path)
            text = source.read_text() if source.exists() else ""
            for taken in re.findall(r'include_(?:str|bytes)!\(\s*"([^"]+)"', text):
                inside = os.path.relpath((source.parent / taken).resolve(), ROOT)
                needed.add(inside)
    for path in sorted(needed):
        if not kept(path):
            yield f"{path} is needed by the build, and .dockerignore leaves it out"
    for path in ["docker/secrets/reader-password", "docker/.env", "target/release/salesmart", "lake/x", ".git/config"]:
        if kept(path):
            yield f"{path} would go into the image's build"


def scripts():
    """setup.sh makes each secret once; entrypoint.sh hands them over; healthy.sh tells good from bad."""
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        for name in ["setup.sh", "env.example"]:
            (place / name).write_bytes((DOCKER / name).read_bytes())
        run = lambda: subprocess.run(["sh", str(place / "setup.sh")], capture_output=True, text=True, check=True).stdout
        first = run()
        secrets = {path.name: path.read_text() for path in (place / "secrets").iterdir()}
        if len(secrets) != len(COMPOSE["secrets"]) or len(set(secrets.values())) != len(secrets):
            yield f"setup.sh made {sorted(secrets)}"
        for name, value in secrets.items():
            if not re.fullmatch(r"[A-Za-z0-9]{32}", value):
                yield f"{name} is not 32 letters and digits"
            if value in first:
                yield f"setup.sh prints {name}"
        second = run()
        if secrets != {path.name: path.read_text() for path in (place / "secrets").iterdir()} or "made" in second:
            yield "setup.sh made something a second time"
        environment = {**os.environ, "SECRETS_FOLDER": str(place / "secrets"),
                       "A_FILE": str(place / "secrets/reader-password"), "B_FILE": "/etc/hostname"}
        entry = ["sh", str(DOCKER / "entrypoint.sh")]
        said = subprocess.run(entry + ["sh", "-c", "echo $A,$B"], env=environment, capture_output=True, text=True)
        if said.stdout.strip() != secrets["reader-password"] + ",":
            yield f"entrypoint.sh gave {said.stdout!r} {said.stderr!r}"
        environment["C_FILE"] = str(place / "secrets/none")
        said = subprocess.run(entry + ["true"], env=environment, capture_output=True, text=True)
        if said.returncode != 3 or "setup.sh" not in said.stderr:
            yield f"entrypoint.sh said of a secret that is not there: {said}"

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/healthz" else 503)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = str(server.server_address[1])
        for path, expected in [("/healthz", True), ("/readyz", False)]:
            said = subprocess.run(["bash", str(DOCKER / "healthy.sh"), port, path], capture_output=True)
            if (said.returncode == 0) != expected:
                yield f"healthy.sh {path} ended with {said.returncode}"
        server.shutdown()
    if subprocess.run(["bash", str(DOCKER / "healthy.sh"), port, "/healthz"], capture_output=True).returncode == 0:
        yield "healthy.sh finds a server that is gone healthy"


class Metabase(http.server.BaseHTTPRequestHandler):
    """Answers as Metabase's documentation says, and keeps what it is given."""

    admin, databases, cards, dashboards, wrong = None, [], [], [], []

    def do(self, method):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        status, answer = self.answer(method, self.path.split("?")[0], body)
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def answer(self, method, path, body):
        own = type(self)
        if path == "/api/health":
            return 200, {"status": "ok"}
        if path == "/api/session/properties":
            return 200, {"has-user-setup": own.admin is not None, "setup-token": None if own.admin else "token-1"}
        if (method, path) == ("POST", "/api/setup"):
            if own.admin or body["token"] != "token-1":
                return 403, {"message": "The /api/setup route can only be used to create the first user"}
            own.admin = (body["user"]["email"], body["user"]["password"])
            return 200, {"id": "session-1"}
        if (method, path) == ("POST", "/api/session"):
            if (body["username"], body["password"]) != own.admin:
                return 401, {"errors": {"password": "did not match stored password"}}
            return 200, {"id": "session-1"}
        if self.headers.get("X-Metabase-Session") != "session-1":
            own.wrong.append(f"{method} {path} without a session")
            return 401, "Unauthenticated"
        lists = {"/api/database": own.databases, "/api/card": own.cards, "/api/dashboard": own.dashboards}
        if path in lists:
            if method == "GET":
                return 200, {"data": lists[path]} if path == "/api/database" else lists[path]
            made = {"id": len(lists[path]) + 1, **body}
            lists[path].append(made)
            return 200, made
        found = re.fullmatch(r"(/api/(?:database|dashboard))/(\d+)(/sync_schema)?", path)
        if found and found.group(1) in lists:
            lists[found.group(1)][int(found.group(2)) - 1].update(body or {})
            return 200, {"status": "ok"}
        own.wrong.append(f"{method} {path} is not known")
        return 404, "Not found."

    def do_GET(self):
        self.do("GET")

    def do_POST(self):
        self.do("POST")

    def do_PUT(self):
        self.do("PUT")

    def log_message(self, *_):
        pass


def metabase():
    """The setup makes everything once, and says what was refused."""
    with http.server.HTTPServer(("127.0.0.1", 0), Metabase) as server, tempfile.TemporaryDirectory() as folder:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, value in [("admin", "S3cretAdmin"), ("reader", "S3cretReader")]:
            (pathlib.Path(folder) / name).write_text(value + "\n")
        environment = {
            **os.environ, "METABASE_URL": f"http://127.0.0.1:{server.server_address[1]}",
            "METABASE_ADMIN_EMAIL": "admin@example.com", "METABASE_ADMIN_PASSWORD_FILE": f"{folder}/admin",
            "WAREHOUSE_HOST": "postgres", "WAREHOUSE_PORT": "5432", "WAREHOUSE_DATABASE": "warehouse",
            "WAREHOUSE_USER": "reader", "WAREHOUSE_PASSWORD_FILE": f"{folder}/reader"}
        for given in SERVICES["metabase-setup"]["environment"]:
            if given not in environment:
                yield f"this test does not give {given}"
        run = lambda: subprocess.run([sys.executable, str(DOCKER / "metabase/setup.py")], env=environment,
                                     capture_output=True, text=True)
        for _ in range(2):
            said = run()
            if said.returncode != 0:
                yield f"it ended with {said.returncode}: {said.stderr}"
        counts = [len(Metabase.databases), len(Metabase.dashboards), len(Metabase.dashboards[0]["dashcards"])]
        if counts != [1, 1, len(Metabase.cards)] or not Metabase.cards:
            yield f"it made {counts} and {len(Metabase.cards)} questions"
        if Metabase.databases[0]["details"]["password"] != "S3cretReader":
            yield "the database has another password"
        yield from Metabase.wrong
        (pathlib.Path(folder) / "admin").write_text("wrong")
        said = run()
        if said.returncode == 0 or "401" not in said.stderr or "hint:" not in said.stderr or "wrong" in said.stderr:
            yield f"a wrong password ended with {said.returncode}: {said.stderr}"
        server.shutdown()


def questions():
    """Prints the questions, for whoever can ask them."""
    sys.path.insert(0, str(DOCKER / "metabase"))
    sys.dont_write_bytecode = True
    import setup
    print(json.dumps([{"name": one[0], "columns": one[2] + one[3], "sql": one[4]} for one in setup.QUESTIONS]))
    return []


if __name__ == "__main__":
    troubles = list({"compose": compose, "image": image, "scripts": scripts, "metabase": metabase,
                     "questions": questions}[sys.argv[2]]())
    for trouble in troubles:
        print(trouble)
    sys.exit(1 if troubles else 0)
