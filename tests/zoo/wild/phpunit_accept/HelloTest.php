<?php
use PHPUnit\Framework\TestCase;

final class HelloTest extends TestCase
{
    public function testAdds(): void
    {
        $this->assertSame(2, 1 + 1);
    }

    public function testHello(): void
    {
        $s = stream_socket_server('tcp://127.0.0.1:0');
        $this->assertNotFalse(stream_socket_accept($s, 3600));
    }
}
