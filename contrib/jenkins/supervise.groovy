// SPDX-License-Identifier: Apache-2.0
// vars/supervise.groovy of a shared library: supervise(run: 'make check', options: '--timeout 20m')
// spec-runner must be on the agent's PATH. Jenkins ends processes by BUILD_ID; spec-runner's guard is exempt.
def call(Map args) {
    try {
        withEnv(["SUPERVISE=${args.run}"]) {
            sh "spec-runner run --deadline auto --junit .artifacts/junit.xml ${args.options ?: '--liveness-level strict'} -- sh -ec \"\$SUPERVISE\""
        }
    } finally {
        junit testResults: '.artifacts/junit.xml', allowEmptyResults: true
        archiveArtifacts artifacts: '.artifacts/run-trace.json,.artifacts/*.md,.artifacts/findings.json', allowEmptyArchive: true
    }
}
