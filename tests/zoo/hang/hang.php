<?php
// hang.php - hangs in PHP.
class Stock
{
    public function __construct(private int $n) {}
    public function take(): void
    {
        for ($i = 1; $i <= $this->n; $i++) {
            if ($i == 2) {
                sleep(60); // AT php_method
            }
        }
    }
    public static function lock(string $path): bool
    {
        $f = fopen($path, 'r');
        return flock($f, LOCK_EX); // AT php_flock
    }
}
$zoo = [
    'php_sleep' => function () { sleep(60); }, // AT php_sleep
    'php_method' => function () { (new Stock(3))->take(); },
    'php_callback' => function () { array_map(fn ($n) => usleep(60000000), [1]); }, // AT php_callback
    'php_pipe' => function () { fgets(popen('sleep 60', 'r')); }, // AT php_pipe
    'php_child' => function () { proc_close(proc_open(['sleep', '60'], [], $pipes)); }, // AT php_child
    'php_stdin' => function () { fgets(STDIN); }, // AT php_stdin
    'php_flock' => function () {
        proc_open(['flock', __FILE__, 'sleep', '60'], [], $pipes);
        usleep(400000);
        Stock::lock(__FILE__);
    },
    'php_accept' => function () {
        stream_socket_accept(stream_socket_server('tcp://127.0.0.1:0'), 60); // AT php_accept
    },
    'php_generator' => function () {
        $g = (function () { yield 1; sleep(60); yield 2; })(); // AT php_generator
        foreach ($g as $x) {
        }
    },
    'php_spin' => function () { for ($i = 0;; $i++) { strlen("$i"); } }, // AT php_spin
];
$zoo[$argv[1]]();
