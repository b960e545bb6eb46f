#include "net/mail.h"

#include <doctest/doctest.h>

namespace keyturn::net {

TEST_CASE("an address is one address, and nothing besides") {
  for (const char* good :
       {"a@b", "bob.smith+x@mail.example", "o'neil@x-y.example", "a/b=c@h.example"})
    CHECK_MESSAGE(is_mail_address(good), good);
  for (const char* bad : {"",
                          "@",
                          "a@",
                          "@b",
                          "a b@c",
                          "a@b c",
                          "a@b>,<c@d",
                          "a@b\r\nRCPT TO:<c@d>",
                          "a\n@b",
                          "a@b@c",
                          "Bob <a@b>",
                          "<a@b>",
                          "\"a b\"@c",
                          ".a@b",
                          "a.@b",
                          "a..b@c",
                          "a@.b",
                          "a@-b",
                          "a@b.",
                          "b\xc3\xb6@x.example",
                          "a@\xc3\xb6.example",
                          "a@[127.0.0.1]",
                          "a,b@c",
                          "a:b@c"})
    CHECK_MESSAGE(!is_mail_address(bad), bad);
  CHECK(!is_mail_address(std::string(250, 'a') + "@b.example"));
}

TEST_CASE("an address that is none is refused before anything is sent") {
  MailServer server;
  server.url = "smtp://127.0.0.1:1";
  const Result<void> sent = send_mail(server, {"a@b.example", "c@d\r\nDATA", "x"});
  REQUIRE(!sent);
  CHECK(sent.error().code == "bad_address");
}

}  // namespace keyturn::net
