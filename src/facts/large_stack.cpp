#include "facts/large_stack.h"

#include <pthread.h>

namespace keyturn::facts {

bool on_large_stack(std::size_t stack_bytes, const std::function<void()>& work) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_t thread;
  const bool started = pthread_attr_setstacksize(&attributes, stack_bytes) == 0 &&
                       pthread_create(
                           &thread, &attributes,
                           [](void* w) -> void* {
                             (*static_cast<const std::function<void()>*>(w))();
                             return nullptr;
                           },
                           const_cast<void*>(static_cast<const void*>(&work))) == 0;
  pthread_attr_destroy(&attributes);
  return started && pthread_join(thread, nullptr) == 0;
}

}  // namespace keyturn::facts
