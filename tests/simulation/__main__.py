"""Run seeds: `make simulate ARGS="--seeds 2000 --from 0"`, or replay one with `ARGS="--seed 42"`."""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.simulation import simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulate", description="Simulate meshes with crashes, pauses and lost commits.")
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to run (default 200)")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--seed", type=int, help="run this seed only, and tell what happened in it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes to use (default: one per core)")
    options = parser.parse_args()
    if options.seed is not None:
        report = simulate(options.seed)
        print(report)
        print(f"mishaps: {', '.join(report.mishaps)}\nfingerprint: {report.fingerprint}")
        return 1 if report.problems else 0
    return _run_many(range(options.first, options.first + options.seeds), options.jobs)


def _run_many(seeds: range, jobs: int) -> int:
    started, failed, done, commits, terms = time.monotonic(), 0, 0, 0, 0
    with ProcessPoolExecutor(jobs) as pool:
        for report in pool.map(simulate, seeds, chunksize=4):
            done, commits, terms = done + 1, commits + report.commits, terms + report.terms
            if report.problems:
                failed += 1
                print(report, flush=True)
            if done % 100 == 0 or done == len(seeds):
                rate = done / (time.monotonic() - started)
                print(f"{done} of {len(seeds)} seeds, {failed} failed, {rate:.1f} seeds/s", flush=True)
    print(f"{commits:,} commits, {terms:,} terms, {failed} of {done} seeds failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
