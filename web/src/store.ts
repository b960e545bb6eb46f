import { useEffect, useState } from "preact/hooks";

// A value that pages watch. set() tells every watcher; there is nothing else to it.
export class Store<T> {
  private watchers = new Set<(value: T) => void>();
  constructor(private value: T) {}

  get(): T {
    return this.value;
  }
  set(value: T): void {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const watcher of [...this.watchers]) watcher(value);
  }
  watch(watcher: (value: T) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }
}

export function useStore<T>(store: Store<T>): T {
  const [, poke] = useState<{ value: T }>({ value: store.get() });
  useEffect(() => {
    poke({ value: store.get() }); // what changed between render and effect
    return store.watch((value) => poke({ value }));
  }, [store]);
  return store.get();
}
