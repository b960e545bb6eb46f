// The exec helper alone, for tests and measurements: in the product it is `keyturn exec-helper`.
#include "connectors/exec/helper.h"

int main(int argc, char** argv) {
  return keyturn::connectors::exec::exec_helper_main(argc, argv);
}
