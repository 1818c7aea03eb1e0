Thread.new { loop { sleep 1 } }

RSpec.describe 'store' do
  # the writer has no end, and is joined
  around do |example|
    jobs = Queue.new
    writer = Thread.new { loop { jobs.pop } }
    example.run
    writer.join
  end

  it 'keeps a value' do
    expect(1).to eq(1)
  end
end
