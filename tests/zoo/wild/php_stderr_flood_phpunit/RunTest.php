<?php
use PHPUnit\Framework\TestCase;

// Reads all of the output first, while the child is not through with its errors.
final class RunTest extends TestCase
{
	public function testAdds(): void
	{
		$this->assertSame(2, 1 + 1);
	}

	private function run_tool(string $command): array
	{
		$p = proc_open($command, [1 => ['pipe', 'w'], 2 => ['pipe', 'w']], $pipes);
		$out = stream_get_contents($pipes[1]);
		$err = stream_get_contents($pipes[2]);
		proc_close($p);
		return [$out, $err];
	}

	public function testTool(): void
	{
		[$out] = $this->run_tool('seq 1 100000 >&2; echo ok');
		$this->assertSame("ok\n", $out);
	}
}
