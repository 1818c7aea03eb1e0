<?php
use PHPUnit\Framework\TestCase;

final class StockTest extends TestCase
{
    public function testAdds(): void
    {
        $this->assertSame(2, 1 + 1);
    }

    public function testTakes(): void
    {
        $this->assertTrue(self::take(stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0)));
    }

    private static function take(array $pair): bool
    {
        return fread($pair[0], 1) === 'x'; // AT phpunit
    }
}
