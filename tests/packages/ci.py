"""The ready files for pipelines: parsed, and their shell lines run as a runner would run them."""
import json
import os
import re
import xml.dom.minidom

import yaml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
POD = """apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {hostUsers: false, containers: [{name: a, image: a}]}
"""


class Runner:
    """A place with uidfit on the PATH, an image that fits and one that does not."""

    def __init__(self, suite):
        self.suite = suite
        self.place = os.path.join(suite.tmp, "runner")
        binaries = os.path.join(self.place, "bin")
        os.makedirs(binaries)
        os.symlink(suite.uidfit, os.path.join(binaries, "uidfit"))
        self.env = dict(os.environ, PATH=binaries + ":" + os.environ["PATH"], UIDFIT_NO_CACHE="1", LC_ALL="C.UTF-8")
        suite.ends("the sample", 0, "python3", os.path.join(TOP, "scripts/sample.py"), os.path.join(self.place, "bad.tar"))
        suite.ends("the sample mended", 0, suite.uidfit, "fix", os.path.join(self.place, "bad.tar"), f"oci:{self.place}/good:1")

    def shell(self, name, status, script, **env):
        """As GitHub and CircleCI call bash: it ends at the first failure."""
        return self.suite.ends(name, status, "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script, cwd=self.place,
                               env=dict(self.env, **env))

    def read(self, name):
        try:
            with open(os.path.join(self.place, name), encoding="utf-8") as f:
                return f.read()
        except OSError:
            return ""


def load(suite, path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        text = f.read()
    suite.check(f"{path}: no tab", "\t" not in text, "YAML takes none")
    return yaml.safe_load(text)


def is_xml(text):
    try:
        return xml.dom.minidom.parseString(text).documentElement.tagName in ("testsuite", "testsuites")
    except xml.parsers.expat.ExpatError:
        return False


def is_json(text):
    try:
        return json.loads(text) is not None
    except ValueError:
        return False


def github(suite, runner):
    action = load(suite, "packaging/ci/github-action/action.yml")
    build, check = action["runs"]["steps"]
    where = dict(GITHUB_ACTION_PATH=os.path.join(TOP, "packaging/ci/github-action"), GITHUB_PATH=os.path.join(runner.place, "path"),
                 GITHUB_STEP_SUMMARY=os.path.join(runner.place, "summary.md"))
    runner.shell("github: nothing is built where uidfit is", 0, build["run"], **where)
    root = os.path.realpath(os.path.join(where["GITHUB_ACTION_PATH"], "../../.."))
    suite.check("github: the tree is found", os.path.exists(os.path.join(root, "scripts/build")), root)
    for image, status in ("bad.tar", 1), ("oci:good:1", 0), ("none.tar", 3), ("oci:good:1 bad.tar", 1):
        # The runner puts the inputs, else their defaults, into env.
        given = {"image": image, "sarif": "out.sarif"}
        env = {name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}",
                            lambda m: given.get(m[1], action["inputs"][m[1]].get("default", "")), value)
               for name, value in check["env"].items()}
        suite.check("github: each input is known", not any("${{" in value for value in env.values()), env)
        out = runner.shell(f"github: {image}", status, check["run"], **where, **env) or ""
        suite.check(f"github: {image}: SARIF", status == 3 or is_json(runner.read("out.sarif")), runner.read("out.sarif")[:200])
        if status == 1:
            suite.check(f"github: {image}: commands", "::error " in out, out[:300])
    suite.check("github: the summary", "does not fit" in runner.read("summary.md"), runner.read("summary.md")[:300])


def gitlab(suite, runner):
    job = load(suite, "packaging/ci/gitlab-ci.yml")["uidfit"]
    runner.shell("gitlab: nothing is built where uidfit is", 0, "\n".join(job["before_script"]), **job["variables"])
    for image, status in ("bad.tar", 1), ("oci:good:1", 0), ("none.tar", 3):
        runner.shell(f"gitlab: {image}", status, "\n".join(job["script"]), **dict(job["variables"], UIDFIT_CHECK=image))
        if status != 3:
            quality = runner.read(job["artifacts"]["reports"]["codequality"])
            suite.check(f"gitlab: {image}: code quality", is_json(quality) and
                        any(row["severity"] != "info" for row in json.loads(quality)) == (status == 1), quality[:300])
            junit = runner.read(job["artifacts"]["reports"]["junit"])
            suite.check(f"gitlab: {image}: JUnit", is_xml(junit), junit[:300])


def circleci(suite, runner):
    orb = load(suite, "packaging/ci/circleci-orb.yml")
    command = orb["commands"]["check"]
    build, check, store = command["steps"]
    suite.check("circleci: the job hands each parameter on", set(orb["jobs"]["check"]["steps"][1]["check"]) == set(command["parameters"]) ==
                set(orb["jobs"]["check"]["parameters"]), "they differ")

    def environment(step, **given):
        return {name: re.sub(r"<< parameters\.([a-z-]+) >>", lambda m: given.get(m[1], command["parameters"][m[1]].get("default", "")), value)
                for name, value in step["run"]["environment"].items()}

    runner.shell("circleci: nothing is built where uidfit is", 0, build["run"]["command"], **environment(build))
    for image, status in ("bad.tar", 1), ("oci:good:1", 0), ("none.tar", 3):
        runner.shell(f"circleci: {image}", status, check["run"]["command"], **environment(check, image=image))
        if status != 3:
            junit = runner.read(os.path.join(store["store_test_results"]["path"], "uidfit/junit.xml"))
            suite.check(f"circleci: {image}: JUnit", is_xml(junit), junit[:300])


def pre_commit(suite, runner):
    files = {"uidfit-lint": (["Dockerfile", "a/Dockerfile.dev", "a/b.dockerfile", "Containerfile"], ["Dockerfiles/x", "a.tar"]),
             "uidfit-kubernetes": (["k8s/pod.yaml", "a/deploy/b.yml"], ["pod.yaml", "deploy.yaml"])}
    for hook in load(suite, ".pre-commit-hooks.yaml"):
        name = hook["id"]
        suite.check(f"{name}: keys", {"id", "name", "entry", "language"} <= set(hook), sorted(hook))
        for path in files[name][0]:
            suite.check(f"{name}: takes {path}", re.search(hook["files"], path), hook["files"])
        for path in files[name][1]:
            suite.check(f"{name}: not {path}", not re.search(hook["files"], path), hook["files"])
        verb = hook["entry"].split()[1]
        if suite.run(suite.uidfit, verb, "--help").returncode != 0:
            suite.skip(name, f"this uidfit has no verb {verb} yet")
            continue
        example = {"uidfit-lint": ("Dockerfile", "FROM debian:12\nRUN true\n"), "uidfit-kubernetes": ("pod.yaml", POD)}[name]
        with open(os.path.join(runner.place, example[0]), "w", encoding="utf-8") as f:
            f.write(example[1])
        runner.shell(f"{name}: run", 0, f"{hook['entry']} {example[0]}")


def run(suite):
    runner = Runner(suite)
    for part in github, gitlab, circleci, pre_commit:
        part(suite, runner)
