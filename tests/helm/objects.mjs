// Holds Kubernetes objects against Kubernetes' own schemas, which the npm package kubernetes-models carries.
//
//   node objects.mjs < OBJECTS    a JSON array; prints a JSON array of the problems, each a line of text
//
// Those schemas let fields pass that they do not know. So each object is handed over as one that remembers which of its
// fields were looked at: a field that no schema asks for is unknown, and the API server would drop it without a word.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const schemas = join(dirname(fileURLToPath(import.meta.url)),
  '../support/npm/node_modules/kubernetes-models/_schemas')

// What an apiVersion is called in the names of the schemas.
const groups = {
  'v1': 'CoreV1',
  'apps/v1': 'AppsV1',
  'networking.k8s.io/v1': 'NetworkingV1',
  'policy/v1': 'PolicyV1',
}

function watched(value, path, looked) {
  if (value === null || typeof value !== 'object') return value
  return new Proxy(value, {
    get(target, key) {
      if (typeof key !== 'string') return target[key]
      const place = `${path}/${key}`
      looked.add(place)
      return watched(target[key], place, looked)
    },
  })
}

function unknownFields(value, path, looked) {
  if (value === null || typeof value !== 'object') return []
  return Object.keys(value).flatMap((key) => {
    const place = `${path}/${key}`
    if (!looked.has(place)) return [`${place}: unknown field`]
    return unknownFields(value[key], place, looked)
  })
}

function problems(object) {
  const title = `${object.kind} ${object.metadata?.name}`
  const group = groups[object.apiVersion]
  if (!group || !/^[A-Za-z]+$/.test(object.kind)) return [`${title}: no schema for ${object.apiVersion}`]
  let validate
  try {
    validate = require(join(schemas, `IoK8sApi${group}${object.kind}.js`)).validate
  } catch (error) {
    return [`${title}: no schema for ${object.apiVersion} ${object.kind} (${error.code})`]
  }
  const looked = new Set()
  const wrong = validate(watched(object, '', looked))
    ? [] : validate.errors.map((e) => `${e.instancePath || '/'}: ${e.keyword} ${JSON.stringify(e.params)}`)
  return [...wrong, ...unknownFields(object, '', looked)].map((problem) => `${title}: ${problem}`)
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).flatMap(problems)))
