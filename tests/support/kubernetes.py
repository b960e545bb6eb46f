"""A Kubernetes API server on loopback, as small as its tests need and as strict as the real one: objects with uid, resourceVersion and generation, the scale
sub-resource, dry runs, the four patch types, preconditions, conflicts, TokenRequest with bound tokens, and rights by service account. It remembers what it was asked."""
import copy
import http.server
import json
import secrets
import sys
import threading
import urllib.parse

ADMIN = "k8s-" + secrets.token_hex(16)
PATCHES = {"application/merge-patch+json", "application/strategic-merge-patch+json", "application/json-patch+json", "application/apply-patch+yaml"}
QUERY = {"GET": {"labelSelector", "fieldSelector", "limit", "continue", "watch"}, "POST": {"dryRun", "fieldManager", "fieldValidation"},
         "PUT": {"dryRun", "fieldManager", "fieldValidation"}, "PATCH": {"dryRun", "fieldManager", "fieldValidation", "force"},
         "DELETE": {"dryRun", "labelSelector", "gracePeriodSeconds", "propagationPolicy"}}


class Refused(Exception):
    def __init__(self, code, reason, message):
        super().__init__(message)
        self.code, self.status = code, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code}


def merge(into, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    out = dict(into) if isinstance(into, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge(out.get(key), value)
    return out


def json_patch(tree, operations):
    """RFC 6902: test, add, replace, remove."""
    tree = copy.deepcopy(tree)
    for one in operations:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in one["path"].split("/")[1:]]
        at = tree
        for part in way:
            at = at[int(part)] if isinstance(at, list) else at[part]
        if one["op"] == "test":
            if (at[int(last)] if isinstance(at, list) else at.get(last)) != one["value"]:
                raise Refused(422, "Invalid", f"the server rejected our request due to an error in our request: test {one['path']} failed")
        elif one["op"] == "remove":
            del at[last]
        elif one["op"] in ("add", "replace"):
            at[last] = one["value"]
        else:
            raise Refused(400, "BadRequest", "unknown operation")
    return tree


class Kubernetes:
    """seen: (method, target, body, headers). writes: (verb, name, dry run), of deployments. cut: paths (without query) of writes that are carried out and not answered."""

    def __init__(self, tls=None):
        self.seen, self.writes, self.objects, self.tokens, self.bound = [], [], {}, {ADMIN: None}, {}
        self.rights = {"scaler": {("get", "deployments"), ("get", "deployments/scale"), ("patch", "deployments/scale"), ("update", "deployments/scale"),
                                  ("patch", "deployments"), ("update", "deployments"), ("create", "deployments"), ("delete", "deployments"), ("list", "deployments"),
                                  ("deletecollection", "deployments")}}
        self.counter, self.lock, self.cut, self.before_write = 100, threading.RLock(), set(), None
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                code, said = server.take(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                if said is None:
                    self.close_connection = True
                    return
                out = json.dumps(said).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                if not isinstance(sys.exc_info()[1], ConnectionError):
                    raise

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # ------------------------------------------------------------ for tests
    def put(self, name, replicas=3, kind="Deployment", namespace="shop", **more):
        """An object that is there; anything may change it again later."""
        key = (namespace, {"Deployment": "deployments", "Secret": "secrets"}[kind], name)
        api = "apps/v1" if kind == "Deployment" else "v1"
        made = {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace, "uid": secrets.token_hex(8), "generation": 1,
                                                              "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"app": name}}}
        made.update({"spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "web", "image": "web:1"}]}}}} if kind == "Deployment" else {"data": {}})
        made.update(more)
        with self.lock:
            self.counter += 1
            made["metadata"]["resourceVersion"] = str(self.counter)
            self.objects[key] = made
        return made

    def touch(self, name, namespace="shop", **spec):
        """What somebody else changes meanwhile."""
        with self.lock:
            one = self.objects[namespace, "deployments", name]
            one["spec"].update(spec)
            self.counter += 1
            one["metadata"]["resourceVersion"] = str(self.counter)

    def replicas(self, name, namespace="shop"):
        return self.objects[namespace, "deployments", name]["spec"]["replicas"]

    def real_writes(self):
        return [one for one in self.writes if not one[2]]

    # ------------------------------------------------------------ the API
    def take(self, method, target, headers, body):
        with self.lock:
            self.seen.append((method, target, body.decode(), headers))
            try:
                answer = self.serve(method, target, headers, body)
            except Refused as refused:
                return refused.code, refused.status
            return (0, None) if target.partition("?")[0] in self.cut and method != "GET" and "dryRun" not in target else answer

    def serve(self, method, target, headers, body):
        path, _, query = target.partition("?")
        query = urllib.parse.parse_qs(query, keep_blank_values=True, strict_parsing=bool(query))
        if unknown := set(query) - QUERY[method]:
            raise Refused(400, "BadRequest", f"unknown query parameters {sorted(unknown)}")
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            raise Refused(401, "Unauthorized", "Unauthorized")
        parts = [urllib.parse.unquote(part) for part in path.split("/")[1:]]
        if "" in parts:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        group = 2 if parts[0] == "api" else 3
        if parts[:group] not in (["api", "v1"], ["apis", "apps", "v1"]) or len(parts) < group + 3 or parts[group] != "namespaces":
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        namespace, resource, *rest = parts[group + 1:]
        name, sub = (rest + ["", ""])[:2]
        tree = None
        if body:
            if headers.get("content-type") not in PATCHES | {"application/json"} or (method == "PATCH") != (headers["content-type"] in PATCHES):
                raise Refused(415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {headers.get('content-type')}")
            try:
                tree = json.loads(body)
            except ValueError:
                raise Refused(400, "BadRequest", "the object provided is unrecognized") from None
        if resource == "serviceaccounts" and sub == "token" and method == "POST":
            return self.token_request(token, name, tree)
        if resource not in ("deployments", "secrets"):
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        verb = {"GET": "get" if name else "list", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete" if name else "deletecollection"}[method]
        self.authorize(token, verb, resource + (f"/{sub}" if sub else ""), name)
        dry = self.dry(method, query, tree)
        if method != "GET" and self.before_write and not dry:
            self.before_write()
        call = getattr(self, "do_" + verb)
        answer = call((namespace, resource, name), sub, tree, headers.get("content-type"), dry, query)
        if method != "GET" and resource != "secrets":
            self.writes.append((verb, name or (answer[1].get("metadata") or {}).get("name", ""), dry))
        return answer

    def authorize(self, token, verb, resource, name):
        account = self.tokens[token]
        if account is not None and (verb, resource) not in self.rights.get(account, set()):
            raise Refused(403, "Forbidden", f'{resource} "{name}" is forbidden: User "system:serviceaccount:shop:{account}" cannot {verb} resource "{resource}"')

    def dry(self, method, query, tree):
        said = query.get("dryRun", [])
        if method == "DELETE" and tree is not None:  # options in the body: the query is not looked at
            said = tree.get("dryRun", [])
        if said not in ([], ["All"]):
            raise Refused(422, "Invalid", "dryRun: Unsupported value")
        return bool(said)

    def find(self, key):
        if key not in self.objects:
            raise Refused(404, "NotFound", f'{key[1]}.apps "{key[2]}" not found')
        return self.objects[key]

    def keep(self, key, fresh, dry):
        """With a new resourceVersion, unless nothing differs."""
        old = self.objects.get(key)
        meta = fresh.setdefault("metadata", {})
        if old is not None:
            for field in ("uid", "resourceVersion"):
                if meta.get(field, old["metadata"][field]) != old["metadata"][field]:
                    raise Refused(409, "Conflict", f'Operation cannot be fulfilled on {key[1]} "{key[2]}": the object has been modified; please apply your changes to the latest version and try again')
            meta.update({field: old["metadata"][field] for field in ("uid", "resourceVersion", "generation", "creationTimestamp")})
            if fresh == old:
                return old
            if fresh.get("spec") != old.get("spec"):
                meta["generation"] += 1
        if not isinstance(fresh.get("spec", {}).get("replicas", 0), int) or fresh.get("spec", {}).get("replicas", 0) < 0:
            raise Refused(422, "Invalid", f'{fresh.get("kind")} "{key[2]}" is invalid: spec.replicas: Invalid value: must be greater than or equal to 0')
        if dry:
            return fresh
        self.counter += 1
        meta["resourceVersion"] = str(self.counter)
        self.objects[key] = fresh
        return fresh

    def scale_of(self, one):
        meta = one["metadata"]
        return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {k: meta[k] for k in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")},
                "spec": {"replicas": one["spec"]["replicas"]}, "status": {"replicas": one["spec"]["replicas"], "selector": f"app={meta['name']}"}}

    def do_get(self, key, sub, tree, content, dry, query):
        one = self.find(key)
        if sub not in ("", "scale"):
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        return 200, self.scale_of(one) if sub else one

    def selected(self, key, query):
        wanted = dict(pair.split("=") for pair in query.get("labelSelector", [""])[0].split(",") if pair)
        return [k for k, one in sorted(self.objects.items()) if k[:2] == key[:2] and all(one["metadata"].get("labels", {}).get(n) == v for n, v in wanted.items())]

    def do_list(self, key, sub, tree, content, dry, query):
        return 200, {"kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": {"resourceVersion": str(self.counter)}, "items": [self.objects[k] for k in self.selected(key, query)]}

    def do_create(self, key, sub, tree, content, dry, query):
        name = tree.get("metadata", {}).get("name") or (tree["metadata"]["generateName"] + secrets.token_hex(3))
        key = (*key[:2], name)
        if key in self.objects:
            raise Refused(409, "AlreadyExists", f'{key[1]}.apps "{name}" already exists')
        if tree.get("kind") not in ("Deployment", "Secret"):
            raise Refused(400, "BadRequest", "the object provided is unrecognized")
        tree["metadata"].update(name=name, namespace=key[0], uid=secrets.token_hex(8), generation=1, creationTimestamp="2026-01-01T00:00:00Z")
        made = self.keep(key, tree, dry)
        return 201, made

    def do_update(self, key, sub, tree, content, dry, query):
        return self.change(key, sub, tree, dry)

    def do_patch(self, key, sub, tree, content, dry, query):
        one = self.find(key)
        old = self.scale_of(one) if sub else one
        if content == "application/json-patch+json":
            return self.change(key, sub, json_patch(old, tree), dry)
        if content == "application/apply-patch+yaml" and "fieldManager" not in query:
            raise Refused(422, "Invalid", "fieldManager: Required value")
        return self.change(key, sub, merge(copy.deepcopy(old), tree), dry)

    def change(self, key, sub, fresh, dry):
        one = self.find(key)
        if not sub:
            return 200, self.keep(key, fresh, dry)
        if sub != "scale":
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        whole = copy.deepcopy(one)
        whole["spec"]["replicas"] = fresh["spec"]["replicas"]
        whole["metadata"].update({k: fresh["metadata"][k] for k in ("uid", "resourceVersion") if k in fresh.get("metadata", {})})
        return 200, self.scale_of(self.keep(key, whole, dry))

    def check_preconditions(self, key, tree):
        one = self.find(key)
        for field, value in ((tree or {}).get("preconditions") or {}).items():
            if one["metadata"][field] != value:
                raise Refused(409, "Conflict", f'Operation cannot be fulfilled on {key[1]} "{key[2]}": Precondition failed: {field} in precondition: {value}, in object meta: {one["metadata"][field]}')
        return one

    def do_delete(self, key, sub, tree, content, dry, query):
        if tree is not None and (tree.get("kind"), tree.get("apiVersion")) != ("DeleteOptions", "v1"):
            raise Refused(400, "BadRequest", "expecting DeleteOptions")
        one = self.check_preconditions(key, tree)
        if not dry:
            gone = self.objects.pop(key)
            self.tokens.pop(self.bound.pop(gone["metadata"]["uid"], None), None)
        return 200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": {"name": key[2], "kind": key[1], "uid": one["metadata"]["uid"]}}

    def do_deletecollection(self, key, sub, tree, content, dry, query):
        gone = self.selected(key, query)
        items = [self.objects[k] for k in gone]
        for k in gone if not dry else []:
            del self.objects[k]
        return 200, {"kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": {"resourceVersion": str(self.counter)}, "items": items}

    # ------------------------------------------------------------ TokenRequest (authentication.k8s.io/v1)
    def token_request(self, token, account, tree):
        if self.tokens[token] is not None:
            raise Refused(403, "Forbidden", f'serviceaccounts "{account}" is forbidden')
        if account not in self.rights:
            raise Refused(404, "NotFound", f'serviceaccounts "{account}" not found')
        if tree.get("kind") != "TokenRequest" or tree["spec"]["expirationSeconds"] < 600:
            raise Refused(422, "Invalid", "may not specify a duration less than 10 minutes")
        issued = "sa-" + secrets.token_hex(20)
        self.tokens[issued] = account
        if bound := tree["spec"].get("boundObjectRef"):
            known = next((one for (_, kind, name), one in self.objects.items() if kind == "secrets" and name == bound["name"]), None)
            if known is None or known["metadata"]["uid"] != bound["uid"]:
                raise Refused(409, "Conflict", "the bound object is another one")
            self.bound[bound["uid"]] = issued
        return 201, {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": {}, "status": {"token": issued, "expirationTimestamp": "2036-01-01T00:00:00Z"}}

    def issued(self):
        return [token for token, account in self.tokens.items() if account is not None]
