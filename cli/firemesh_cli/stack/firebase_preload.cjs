// Loaded into firebase-tools before anything of its own.
//
// It starts a process for each function, on a port that it finds free and that the process takes a second or more later. Two
// that start at the same time may be given the same one, and then calls of the one function are answered by the other. So
// here no port is given twice, and two suites on one machine begin to look in different places.
//
// And it keeps a connection to such a process for the next call, while the process closes one that was idle for two seconds:
// a call that comes in just that moment fails. So here every call has a connection of its own.

"use strict";

const { realpathSync } = require("node:fs");
const http = require("node:http");
const { createRequire } = require("node:module");

const LOWEST = 10_000;
const HIGHEST = 30_000; // above, systems give out ports of their own accord

const portfinder = createRequire(realpathSync(process.argv[1]))("portfinder");
const find = portfinder.getPortPromise;
let next = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
let turn = Promise.resolve();

portfinder.getPortPromise = (options) => {
  turn = turn.then(async () => {
    const found = await find({ ...options, port: next });
    next = found + 1;
    return found;
  });
  return turn;
};

http.globalAgent = new http.Agent();
