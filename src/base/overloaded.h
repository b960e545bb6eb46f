// A visitor of a variant, from one lambda for each of its types.
#pragma once

namespace keyturn {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

}  // namespace keyturn
