describe 'stock' do
  it('adds') { expect(1 + 1).to eq(2) }
  it 'takes one' do
    m = Mutex.new
    Thread.new { m.lock; sleep } # HELD rspec
    sleep 0.2
    m.lock # AT rspec
  end
end
