#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "facts/classify.h"
#include "facts/shell_words.h"

using namespace keyturn;

namespace {

using Argv = std::vector<std::string>;

std::string joined(const doc::Value* texts) {
  std::string out;
  for (const doc::Value& text : texts->as_array()) {
    if (!out.empty()) out += ' ';
    out += text.as_string();
  }
  return out;
}

std::string programs(const Facts& facts) {
  return joined(facts.tree.find_path({"shell", "programs"}));
}

struct Row {
  Argv argv;
  std::string programs;
};

}  // namespace

TEST_CASE("an argv that can be looked through names every program it starts") {
  const Row rows[] = {
      {{"rm", "-rf", "/"}, "rm"},
      {{"/usr/bin/rm", "x"}, "rm"},
      {{"/opt/bin/rm", "x"}, "/opt/bin/rm rm"},
      {{"sh", "-c", "rm -rf /tmp/x"}, "sh rm"},
      {{"bash", "-euxc", "true"}, "bash true"},
      {{"bash", "-o", "pipefail", "-c", "ls | grep x && rm y; cat z &"}, "bash ls grep rm cat"},
      {{"sh", "-c", "rm \"$1\"", "sh", "x"}, "sh rm"},
      {{"sh", "-c", "if test -e x; then rm x; else touch x; fi"}, "sh test rm touch"},
      {{"sh", "-c", "for f in a b *.txt; do rm $f; done"}, "sh rm"},
      {{"sh", "-c", "for f do rm $f; done"}, "sh rm"},
      {{"sh", "-c", "( cd /x && ls ) || { echo no; }"}, "sh cd ls echo"},
      {{"sh", "-c", "A=1 ls >/dev/null 2>&1 3>&- </dev/null # rm -rf"}, "sh ls"},
      {{"sh", "-c", "echo 'a; rm x' \"b && rm\" c\\;d"}, "sh echo"},
      {{"sh", "-c", "ls \\\n -l"}, "sh ls"},
      {{"sh", "-c", "r'm' x"}, "sh rm"},
      {{"sh", "-c", "r\\m x"}, "sh rm"},
      {{"sh", "-c", "! ls"}, "sh ls"},
      {{"sh", "-c", "while sleep 1; do ls; done"}, "sh sleep ls"},
      {{"sh", "-c", "sh -c 'sh -c \"rm x\"'"}, "sh rm"},
      {{"busybox", "sh", "-c", "rm x"}, "busybox sh rm"},
      {{"busybox", "rm", "x"}, "busybox rm"},
      {{"env", "-i", "A=b", "rm", "x"}, "env rm"},
      {{"env", "-S", "A=1 rm -f", "x"}, "env rm"},
      {{"env", "-Srm -f", "x"}, "env rm"},
      {{"xargs", "-0", "-n", "1", "rm", "-f"}, "xargs rm"},
      {{"xargs", "-I{}", "rm", "{}"}, "xargs rm"},
      {{"xargs", "-n1"}, "xargs"},
      {{"xargs", "sh", "-c", "rm \"$@\""}, "xargs sh rm"},
      {{"find", ".", "-name", "*.o", "-exec", "rm", "{}", ";"}, "find rm"},
      {{"find", ".", "-exec", "rm", "{}", "+", "-exec", "touch", "a", ";"}, "find rm touch"},
      {{"find", ".", "-exec", "sh", "-c", "rm \"$1\"", "sh", "{}", ";"}, "find sh rm"},
      {{"sudo", "-n", "-u", "root", "A=1", "rm", "x"}, "sudo rm"},
      {{"sudo", "--user=root", "--", "rm"}, "sudo rm"},
      {{"nohup", "timeout", "-k", "1", "5", "nice", "-n", "10", "rm"}, "nohup timeout nice rm"},
      {{"timeout", "--signal=KILL", "5s", "rm"}, "timeout rm"},
      {{"setsid", "-f", "rm"}, "setsid rm"},
      {{"stdbuf", "-oL", "rm"}, "stdbuf rm"},
      {{"/lib64/ld-linux-x86-64.so.2", "/bin/rm"},
       "/lib64/ld-linux-x86-64.so.2 ld-linux-x86-64.so.2 rm"},
      {{"bash", "deploy.sh", "-c", "x"}, "bash deploy.sh"},
      {{"bash", "./deploy.sh"}, "bash ./deploy.sh deploy.sh"},
      {{"python3", "-u", "tool.py", "-c", "x"}, "python3 tool.py"},
      {{"python3.11", "-m", "http.server"}, "python3.11 http.server"},
      {{"python3", "--version"}, "python3"},
      {{"sed", "-n", "1,10p", "f"}, "sed"},
      {{"sed", "s/a/b/g", "f"}, "sed"},
      {{"git", "status"}, "git"},
      {{"tar", "xf", "a.tar"}, "tar"},
      {{"sh", "-c", "echo \"$HOME\" ${USER} $1 ~ *"}, "sh echo"},
      {{"sh", "-c", "command -v rm; exec ls"}, "sh command exec ls"},
      {{"sh", "-c", "export A=1; . ./lib.sh"}, "sh export . ./lib.sh lib.sh"},
      {{"sh", "-c", ""}, "sh"},
  };
  for (const Row& row : rows) {
    const Facts facts = facts::classify_argv(row.argv);
    CAPTURE(doc::array_of(row.argv).as_array().size());
    CAPTURE(row.programs);
    CAPTURE(joined(facts.tree.find("why")));
    CHECK(programs(facts) == row.programs);
    CHECK_FALSE(facts.uninspectable);
    CHECK(facts.operation == "execute");
  }
}

TEST_CASE("an argv that hides what runs is uninspectable") {
  const Argv rows[] = {
      {},
      {""},
      {"-rf"},
      {std::string("ls\0x", 4)},
      {"ls", "\xff"},
      {"/proc/self/fd/3"},
      {"/dev/fd/3", "x"},
      // code in another language
      {"python", "-c", "x"},
      {"python3.12", "-Bc", "x"},
      {"python3", "-"},
      {"python3", "/dev/stdin"},
      {"python3"},
      {"python3", "-m", "timeit", "x"},
      {"perl", "-e", "x"},
      {"perl", "-lane", "x"},
      {"perl", "-Mx", "f"},
      {"ruby", "-e", "x"},
      {"node", "--eval", "x"},
      {"node", "-e", "x"},
      {"php", "-r", "x"},
      {"lua5.4", "-e", "x"},
      {"awk", "BEGIN{system(\"rm\")}"},
      {"sed", "1e rm x", "f"},
      {"sed", "s/x/rm/e", "f"},
      {"sed", "-n", "-f", "x", "f"},
      {"sed", "w /etc/passwd", "f"},
      {"sqlite3", "db", ".shell rm"},
      {"psql", "-c", "\\! rm"},
      {"vim", "-c", ":!rm"},
      {"gdb", "-ex", "shell rm"},
      {"fish", "-c", "rm"},
      {"zsh", "-c", "rm"},
      // shells
      {"sh"},
      {"sh", "-s"},
      {"sh", "-"},
      {"bash", "-i"},
      {"bash", "-lc", "ls"},
      {"bash", "--rcfile", "x", "-c", "ls"},
      {"sh", "/dev/stdin"},
      {"sh", "-c"},
      {"sh", "-c", "eval \"$x\""},
      {"sh", "-c", "eval rm"},
      {"sh", "-c", "echo $(rm x)"},
      {"sh", "-c", "echo \"$(rm x)\""},
      {"sh", "-c", "echo `rm x`"},
      {"sh", "-c", "echo \"`rm x`\""},
      {"sh", "-c", "echo \"$\\\n(rm x)\""},
      {"sh", "-c", "$x"},
      {"sh", "-c", "\"$@\"", "sh", "rm"},
      {"sh", "-c", "r${x}m"},
      {"sh", "-c", "/bin/r?"},
      {"sh", "-c", "{rm,x}"},
      {"sh", "-c", "~/x"},
      {"sh", "-c", "curl x | sh"},
      {"sh", "-c", "echo cm0gLXJm | base64 -d | bash"},
      {"sh", "-c", "cat <<E\n$(rm)\nE"},
      {"bash", "-c", "cat <(rm x)"},
      {"bash", "-c", "tee >(rm x)"},
      {"sh", "-c", "f() { rm x; }; f"},
      {"bash", "-c", "function f { rm x; }; f"},
      {"sh", "-c", "case x in x) rm x;; esac"},
      {"bash", "-c", "[[ -v a[$(rm)] ]]"},
      {"bash", "-c", "((x))"},
      {"bash", "-c", "echo $((a[0]))"},
      {"bash", "-c", "$'rm' x"},
      {"bash", "-c", "echo $'\\x41'"},
      {"bash", "-c", "test -v 'a[$(rm x)]'"},
      {"bash", "-c", "printf -v PATH x"},
      {"bash", "-c", "echo ${x@P}"},
      {"bash", "-c", "echo ${x:-$(rm)}"},
      {"bash", "-c", "echo ${!x}"},
      {"bash", "-c", "coproc rm x"},
      {"bash", "-c", "ls &>f"},
      {"sh", "-c", "echo x >f"},
      {"sh", "-c", "echo x >>/etc/cron.d/f"},
      {"sh", "-c", "echo x >|f"},
      {"sh", "-c", "ls <>f"},
      {"sh", "-c", ">f"},
      {"sh", "-c", "echo x 2>$F"},
      {"bash", "-c", "ls >&f"},
      {"bash", "-c", "time -p rm"},
      {"sh", "-c", "PATH=/evil ls"},
      {"sh", "-c", "PATH=/evil; ls"},
      {"sh", "-c", "PA\\\nTH=/evil ls"},
      {"sh", "-c", "export PATH=/evil; ls"},
      {"sh", "-c", "export \"$x\"; ls"},
      {"sh", "-c", "read PATH; ls"},
      {"sh", "-c", "for PATH in /evil; do ls; done"},
      {"bash", "-c", "declare -x PATH=/evil; ls"},
      {"bash", "-c", "PATH+=:/evil; ls"},
      {"bash", "-c", "a[0]=1; ls"},
      {"bash", "-c", "a=(1); ls"},
      {"sh", "-c", "LD_PRELOAD=x ls"},
      {"sh", "-c", "alias ls=rm"},
      {"sh", "-c", "trap 'rm x' EXIT"},
      {"sh", "-c", ". /dev/stdin"},
      {"sh", "-c", "source $x"},
      {"sh", "-c", "set -x; ls"},
      {"sh", "-c", "command eval rm"},
      {"sh", "-c", "ls 'x"},
      {"sh", "-c", "ls \"x"},
      {"sh", "-c", "ls \\"},
      // wrappers
      {"env", "PATH=/evil", "ls"},
      {"env", "-S", "sh -c 'rm'"},
      {"env", "-S", "${X}"},
      {"env", "--foo", "rm"},
      {"sudo", "-s", "rm"},
      {"sudo", "-i"},
      {"sudo", "-e", "f"},
      {"sudo", "LD_PRELOAD=x", "ls"},
      {"timeout", "--foo", "5", "rm"},
      {"xargs", "sh"},
      {"xargs", "sh", "-c"},
      {"xargs", "env"},
      {"xargs", "-I{}", "{}"},
      {"xargs", "-I{}", "sh", "-c", "{}"},
      {"xargs", "-I", "x", "sh", "-c", "rm x"},
      {"xargs", "-i", "rm"},
      {"find", ".", "-exec", "{}", ";"},
      {"find", ".", "-exec", "sh", "-c", "rm {}", ";"},
      {"find", ".", "-exec", "rm", "{}"},
      {"find", ".", "-execdir", "sh", ";"},
      {"sh", "-c", "find . $x"},
      {"busybox", "sh"},
      {"busybox", "awk", "x"},
      {"ssh", "host", "rm"},
      {"docker", "run", "x"},
      {"kubectl", "exec", "x"},
      {"parallel", "rm", ":::", "a"},
      {"script", "-c", "rm"},
      {"su", "-c", "rm"},
      {"git", "-c", "alias.x=!rm", "x"},
      {"git", "clone", "ext::sh -c rm"},
      {"tar", "--to-command=rm", "-xf", "a"},
      {"tar", "--checkpoint-action=exec=rm", "-xf", "a"},
      {"rsync", "-ae", "sh -c rm", "a", "b"},
      {"nohup", "sh", "-c", "$x"},
  };
  for (const Argv& argv : rows) {
    const Facts facts = facts::classify_argv(argv);
    std::string shown;
    for (const std::string& word : argv) shown += "[" + word + "] ";
    CAPTURE(shown);
    CHECK(facts.uninspectable);
    CHECK(facts.tree.flag("uninspectable"));
    CHECK(facts.tree.find("shell")->flag("uninspectable"));
    CHECK_FALSE(facts.tree.find("why")->as_array().empty());
    CHECK(facts.operation == "execute");
  }
}

TEST_CASE("reasons are short, few, and text") {
  const std::string long_word(5'000, 'x');
  const Facts facts =
      facts::classify_argv({"sh", "-c", "sed 'e" + long_word + "'; sed é" + long_word});
  for (const doc::Value& why : facts.tree.find("why")->as_array()) {
    CHECK(why.as_string().size() < 250);
    CHECK_FALSE(first_invalid_utf8(why.as_string()));
  }
  std::string many;
  for (int i = 0; i < 100; ++i) many += "sed 'e" + std::to_string(i) + "';";
  CHECK(facts::classify_argv({"sh", "-c", many}).tree.find("why")->as_array().size() <= 20);
  CHECK(facts::classify_argv({"ls", "\xff"}).tree.find("argv")->as_array().empty());
}

TEST_CASE("inline says whether the argv holds code") {
  const auto is_inline = [](const Argv& argv) {
    return facts::classify_argv(argv).tree.find("shell")->flag("inline");
  };
  CHECK(is_inline({"sh", "-c", "ls"}));
  CHECK(is_inline({"python", "-c", "1"}));
  CHECK(is_inline({"env", "-S", "ls"}));
  CHECK_FALSE(is_inline({"sh", "x.sh"}));
  CHECK_FALSE(is_inline({"ls"}));
}

TEST_CASE(
    "a program run from within a script, at any depth, is named or the argv is uninspectable") {
  std::string script = "rm x";
  for (int depth = 0; depth < 40; ++depth) {
    const Facts facts = facts::classify_argv({"sh", "-c", script});
    CHECK((facts.uninspectable || programs(facts).ends_with(" rm")));
    std::string quoted = "'";
    for (char c : script) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    if (quoted.size() > 100'000) break;
    script = "sh -c " + quoted + "'";
  }
}

TEST_CASE("any bytes at all are classified without a crash") {
  CHECK(rc::check([](const std::string& script, const std::vector<std::string>& argv) {
    (void)facts::parse_shell(script);
    RC_ASSERT(facts::classify_argv(argv).operation == "execute");
    const Facts facts = facts::classify_argv({"sh", "-c", script});
    RC_ASSERT(facts.uninspectable == facts.tree.flag("uninspectable"));
  }));
}

TEST_CASE("quoting a program's arguments hides no program and invents none") {
  CHECK(rc::check([](const std::vector<std::string>& words) {
    std::string script = "rm";
    for (const std::string& word : words) {
      if (word.contains('\0')) return;
      script += " '";
      for (char c : word) script += c == '\'' ? std::string("'\\''") : std::string(1, c);
      script += "'";
    }
    const facts::Script parsed = facts::parse_shell(script);
    RC_ASSERT(parsed.problems.empty());
    RC_ASSERT(parsed.commands.size() == 1U);
    RC_ASSERT(parsed.commands[0].words.size() == words.size() + 1);
    for (std::size_t i = 0; i < words.size(); ++i)
      RC_ASSERT(parsed.commands[0].words[i + 1].text == words[i]);
  }));
}
