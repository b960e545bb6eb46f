"""examples/runbooks on a real machine: a service under runit, an image that dpkg patches. (Those that need PostgreSQL: runbook_examples_postgres_test.py)"""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.keyturn import BIN, until  # noqa: E402
from support.runbook_site import EXAMPLES, Service, Site, kind_of, runbooks, tool_user  # noqa: E402

def keyturn(*words):
    return subprocess.run([str(BIN), *map(str, words)], capture_output=True, text=True, timeout=60)


class Files(unittest.TestCase):
    def test_they_are_good_with_their_tools(self):
        done = keyturn("runbook", "check", "--tools", EXAMPLES / "tools.yaml", EXAMPLES)
        self.assertEqual((done.returncode, done.stdout), (0, f"good: {len(runbooks())} runbooks\n"), done)

    def test_installed_as_the_readme_says_all_is_good_and_each_rule_is_reached_by_a_test(self):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as parent:
            here = shutil.copytree(EXAMPLES, pathlib.Path(parent) / "runbooks")  # the commands make a data folder beside the files
            lines = re.findall(r"^    ((?:install|keyturn) .*)$", (EXAMPLES / "README.md").read_text().split("## Try them")[1].split("**Services.**")[0], re.M)
            said = []
            for line in lines:
                if "keyturn-exec" in line:
                    continue
                line = re.sub(r"^keyturn", str(BIN), line.replace("/etc/keyturn", folder))
                done = subprocess.run(line, shell=True, cwd=here, capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, (line, done))
                said.append(done.stdout + done.stderr)
            self.assertNotIn("warning", "".join(said))
            self.assertTrue(any("--check" in line for line in lines) and any("policy check" in line for line in lines), lines)
        done = keyturn("policy", "test", EXAMPLES / "policy.yaml", "--coverage")
        self.assertEqual(done.returncode, 0, done)
        self.assertNotRegex(done.stdout, "in no test|no test reaches")

    def test_the_readme_names_each_and_each_file_is_of_a_known_kind(self):
        readme = (EXAMPLES / "README.md").read_text()
        for path in EXAMPLES.glob("*.yaml"):
            self.assertIn(kind_of(path), ("Runbook", "Tools", "Credentials", "Policy"), path)
            self.assertIn(path.name, readme)
        for path in (EXAMPLES / "bin").iterdir():
            self.assertTrue(path.stat().st_mode & 0o111, path)


class OnASite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site()
        cls.addClassCleanup(cls.site.close)
        cls.k = cls.site.k


@unittest.skipUnless(shutil.which("runsv"), "runit is not installed")
class RestartService(OnASite):
    def setUp(self):
        self.site.channel.said.clear()

    def serve(self, name):
        service = Service(self.site.etc / "service", name)
        self.addCleanup(service.close)
        return service

    def test_staging_restarts_at_once_and_is_another_process(self):
        service = self.serve("staging-shop")
        before = service.now()
        ended = self.site.at(self.site.start("restart-service", {"service": "staging-shop"})["id"], "succeeded")
        self.assertEqual(self.site.paths(ended), [("before", "succeeded"), ("sure", "skipped"), ("restart", "succeeded"), ("healthy", "succeeded")])
        self.assertNotEqual(service.now(), before)
        self.assertEqual(ended["outputs"], {"before": f"run {before}", "pid": service.now()})
        self.assertEqual(service.pids(), [before, service.now()])
        self.assertEqual(self.site.channel.said, [])

    def test_production_waits_for_sre_and_goes_on_after_a_kill_9_in_the_middle_without_a_second_restart(self):
        service = self.serve("prod-slow")
        before = service.now()
        service.mark("slow")
        run = self.site.start("restart-service", {"service": "prod-slow"})["id"]
        hold = self.site.held(run, "sure")
        self.assertEqual(service.now(), before)
        seen = self.site.vote(hold, "carol")
        self.assertEqual(seen["args"]["message"], f"Restart prod-slow? It is at: run {before}.")
        until(lambda: (service.folder / "stopping").exists(), "it is not asked to end")
        self.k.kill9()
        service.mark("slow", False)
        service.mark("stopping", False)
        self.k.start()
        ended = self.site.at(run, "succeeded")
        self.assertEqual(self.site.step(ended, "restart")["attempt"], 1)
        self.assertEqual(service.pids(), [before, service.now()])

    def test_a_denied_hold_changes_nothing(self):
        service = self.serve("prod-shop")
        before = service.now()
        run = self.site.start("restart-service", {"service": "prod-shop"})["id"]
        self.site.vote(self.site.held(run, "sure"), "carol", "deny")
        ended = self.site.at(run, "failed")
        self.assertIn("denied by carol", ended["reason"])
        self.assertEqual((service.now(), service.pids()), (before, [before]))

    def test_one_that_is_not_healthy_is_told_of(self):
        service = self.serve("staging-ill")
        service.mark("ill")
        run = self.site.start("restart-service", {"service": "staging-ill"})["id"]
        until(lambda: any(one["path"] == "healthy" and one["attempt"] > 1 for one in self.site.run_of(run).get("steps", [])), "it is not tried again")
        service.mark("ill", False)
        ended = self.site.at(run, "succeeded")  # it was a moment, and waiting for it was right
        self.assertGreater(self.site.step(ended, "healthy")["attempt"], 1)
        self.assertEqual(len(service.pids()), 2)

        silent = self.serve("staging-silent")
        (silent.folder / "health").write_text("ftp://nowhere\n")
        (silent.folder / "run").write_text("#!/bin/sh\nexit 1\n")  # its next process ends at once
        run = self.site.start("restart-service", {"service": "staging-silent"})["id"]
        ended = self.site.at(run, "failed", within=120)  # the program itself waits up to 30 s
        self.assertEqual(ended["steps"][-1]["path"], "restart~on_failure.tell_restart")
        self.assertEqual(self.site.channel.said, [f"staging-silent did not restart: look at it ({run})"])

    def test_neither_another_name_nor_a_step_by_itself(self):
        for name in ("shop", "prod-../x", "prod-x; reboot", "--help"):
            self.assertEqual(self.k.request("runbook.restart-service", {"service": name}).code, "invalid_args", name)
        self.assertEqual(self.k.request("service.restart", {"service": "prod-shop"}).json["state"], "denied")
        missing = self.site.at(self.site.start("restart-service", {"service": "staging-nothing"})["id"], "failed")
        self.assertIn("before: ", missing["reason"])
        self.assertIn("there is no service staging-nothing", self.site.outcome(self.site.step(missing, "before")["action"])["stderr"])


class Image:
    """A root folder of a Debian system, and a pool of packages that dpkg-deb made."""

    def __init__(self, site, name="web"):
        self.site, self.root, self.pool = site, site.srv / "images" / name, site.srv / "packages"
        for folder in ("updates", "info", "triggers"):
            (self.root / "var/lib/dpkg" / folder).mkdir(parents=True, exist_ok=True)
        for file in ("status", "available"):
            (self.root / "var/lib/dpkg" / file).touch()
        user = tool_user()
        subprocess.run(["chown", "-R", f"{user.pw_uid}:{user.pw_gid}", str(self.root)], check=True)

    def package(self, name, version, script=""):
        with tempfile.TemporaryDirectory() as folder:
            tree = pathlib.Path(folder) / "tree"
            (tree / "DEBIAN").mkdir(parents=True)
            tree.chmod(0o755)
            (tree / "DEBIAN").chmod(0o755)
            (tree / f"usr/share/{name}").mkdir(parents=True)
            content = f"{version}\n"
            (tree / f"usr/share/{name}/version").write_text(content)
            (tree / "DEBIAN/control").write_text(f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Site <site@example.com>\nDescription: of a test\n")
            (tree / "DEBIAN/md5sums").write_text(f"{hashlib.md5(content.encode()).hexdigest()}  usr/share/{name}/version\n")
            if script:
                (tree / "DEBIAN/postinst").write_text(f"#!/bin/sh\n{script}\n")
                (tree / "DEBIAN/postinst").chmod(0o755)
            file = self.pool / f"{name}_{version}_all.deb"
            subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(file)], check=True, stdout=subprocess.DEVNULL)
        with open(self.pool / "SHA256SUMS", "a") as sums:
            sums.write(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n")
        return file

    def install(self, name, version):
        program = f"FAKEROOTDONTTRYCHOWN=1 POOL={self.pool} {EXAMPLES}/bin/image-packages put {self.root} {name} {version}"
        user = tool_user()
        as_tools = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        subprocess.run(["/bin/sh", "-c", program], check=True, capture_output=True, cwd="/", **as_tools)

    def versions(self):
        said = subprocess.run(["dpkg-query", f"--root={self.root}", "--showformat=${Package} ${Version} ${db:Status-Status}\n", "--show"], capture_output=True, text=True).stdout
        return {line.split()[0]: line.split()[1] for line in said.splitlines() if line.endswith(" installed")}

    def file(self, name):
        path = self.root / f"usr/share/{name}/version"
        return path.read_text().strip() if path.exists() else None


@unittest.skipUnless(shutil.which("fakeroot") and shutil.which("dpkg-deb"), "fakeroot or dpkg is not installed")
class PatchPackages(OnASite):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.image = Image(cls.site)
        for name in ("libshop", "shop"):
            for version in ("1.0-1", "1.0-2", "1.1-1"):
                cls.image.package(name, version)
        cls.image.package("shop", "2.0-1", 'exit 3')  # it cannot be configured
        cls.image.package("shop-extra", "1.0-1")

    def setUp(self):
        for name in ("libshop", "shop"):
            self.image.install(name, "1.0-1")
        self.image.install("shop-extra", "none")

    def start(self, *packages, image="web"):
        wanted = [{"name": name, "version": version} for name, version in packages]
        return self.site.start("patch-packages", {"image": image, "packages": wanted})["id"]

    def test_the_canary_people_and_then_the_rest(self):
        run = self.start(("libshop", "1.0-2"), ("shop", "1.0-2"), ("shop-extra", "1.0-1"))
        hold = self.site.held(run, "agree")
        self.assertEqual(self.image.versions(), {"libshop": "1.0-2", "shop": "1.0-1"})
        seen = self.site.vote(hold, "carol")
        self.assertEqual(seen["args"]["show"]["before"], {"libshop": "1.0-1", "shop": "1.0-1", "shop-extra": "none"})
        ended = self.site.at(run, "succeeded")
        self.assertEqual(self.image.versions(), {"libshop": "1.0-2", "shop": "1.0-2", "shop-extra": "1.0-1"})
        self.assertEqual((self.image.file("shop"), self.image.file("shop-extra")), ("1.0-2", "1.0-1"))
        self.assertIn(("rest[1]", "succeeded"), self.site.paths(ended))
        self.assertEqual(ended["outputs"]["before"]["shop"], "1.0-1")

    def test_one_that_cannot_be_installed_takes_all_of_them_back(self):
        run = self.start(("libshop", "1.1-1"), ("shop-extra", "1.0-1"), ("shop", "2.0-1"))
        self.site.vote(self.site.held(run, "agree"), "carol")
        ended = self.site.at(run, "failed")
        self.assertEqual([path for path, state in self.site.paths(ended) if "~compensate" in path], ["rest[0]~compensate", "canary~compensate"])
        self.assertIn("shop 2.0-1 cannot be installed; 1.0-1 is back", self.site.outcome(self.site.step(ended, "rest[1]")["action"])["stderr"])
        self.assertEqual(self.image.versions(), {"libshop": "1.0-1", "shop": "1.0-1"})
        self.assertEqual((self.image.file("libshop"), self.image.file("shop"), self.image.file("shop-extra")), ("1.0-1", "1.0-1", None))

    def test_a_denied_hold_takes_the_canary_back(self):
        run = self.start(("libshop", "1.1-1"), ("shop", "1.1-1"))
        self.site.vote(self.site.held(run, "agree"), "carol", "deny")
        ended = self.site.at(run, "failed")
        self.assertIn("denied by carol", ended["reason"])
        self.assertEqual(self.image.versions(), {"libshop": "1.0-1", "shop": "1.0-1"})

    def test_a_kill_9_at_the_hold_forgets_nothing_and_repeats_nothing(self):
        before = len(self.k.get("/v1/actions?tool=image.put", "ada").json["items"])
        run = self.start(("libshop", "1.0-2"), ("shop", "1.0-2"))
        hold = self.site.held(run, "agree")
        self.k.kill9()
        self.k.start()
        self.assertEqual(self.site.held(run, "agree"), hold)
        self.site.vote(hold, "carol")
        ended = self.site.at(run, "succeeded")
        self.assertEqual([one["attempt"] for one in ended["steps"]], [1] * len(ended["steps"]))
        self.assertEqual(len(self.k.get("/v1/actions?tool=image.put", "ada").json["items"]), before + 2)
        self.assertEqual(self.image.versions(), {"libshop": "1.0-2", "shop": "1.0-2"})

    def test_one_at_a_time_changes_an_image(self):
        first = self.start(("libshop", "1.0-2"), ("shop", "1.0-2"))
        hold = self.site.held(first, "agree")
        second = self.start(("libshop", "1.1-1"))
        self.assertEqual(self.site.at(second, "waiting")["waits_for"], [{"lock": "image/web", "held_by": [first]}])
        self.assertEqual(self.image.versions()["libshop"], "1.0-2")
        self.site.vote(hold, "carol")
        self.site.at(first, "succeeded")
        self.assertEqual(self.site.at(second, "succeeded")["outputs"]["before"], {"libshop": "1.0-2"})

    def test_what_is_not_in_the_pool_or_not_what_it_was_is_not_installed(self):
        missing = self.site.at(self.start(("libshop", "9.9-9")), "failed")
        self.assertIn("there is no libshop 9.9-9", self.site.outcome(self.site.step(missing, "canary")["action"])["stderr"])
        file = self.image.package("libshop", "3.0-1")
        file.write_bytes(self.image.package("shop", "3.0-1").read_bytes())
        other = self.site.at(self.start(("libshop", "3.0-1")), "failed")
        self.assertIn("there is no libshop 3.0-1", self.site.outcome(self.site.step(other, "canary")["action"])["stderr"])
        tampered = self.image.package("libshop", "3.1-1")
        sums = (self.image.pool / "SHA256SUMS").read_text().splitlines()
        (self.image.pool / "SHA256SUMS").write_text("\n".join(line for line in sums if tampered.name not in line) + "\n")
        self.assertIn("is not what SHA256SUMS says", self.site.outcome(self.site.step(self.site.at(self.start(("libshop", "3.1-1")), "failed"), "canary")["action"])["stderr"])
        twice = self.site.at(self.start(("libshop", "1.0-2"), ("libshop", "1.1-1")), "failed")
        self.assertEqual(twice["steps"][-1]["path"], "before", twice["steps"])
        self.assertEqual(self.image.versions(), {"libshop": "1.0-1", "shop": "1.0-1"})


if __name__ == "__main__":
    unittest.main()
