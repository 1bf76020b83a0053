using System.Diagnostics;
using Understudy.Tokenization;

// dotnet run -c Release --project bench/Understudy.Benchmarks TOKENIZER_FOLDER TEXT_FILE
// The rate at which one core turns text into ids, with a cold and a warm cache, and the time for single words of
// growing length, which must grow about as the words do.
if (args.Length != 2)
{
    Console.Error.WriteLine("Usage: Understudy.Benchmarks TOKENIZER_FOLDER TEXT_FILE");
    return 2;
}
var tokenizer = Tokenizer.FromFolder(args[0]);
var text = File.ReadAllText(args[1]);
var megabytes = System.Text.Encoding.UTF8.GetByteCount(text) / 1e6;
var ids = new List<int>(text.Length);
for (var pass = 0; pass < 5; pass++)
{
    ids.Clear();
    var clock = Stopwatch.StartNew();
    tokenizer.EncodeIds(text, ids);
    Console.WriteLine($"{(pass == 0 ? "cold" : "warm")} cache: {megabytes / clock.Elapsed.TotalSeconds,7:F1} MB/s, {ids.Count:N0} ids, {megabytes:F1} MB");
}
var random = new Random(1);
for (var length = 1 << 17; length <= 1 << 20; length *= 2)
{
    var word = string.Create(length, random, (span, source) =>
    {
        for (var i = 0; i < span.Length; i++) span[i] = (char)('a' + source.Next(26));
    });
    ids.Clear();
    var clock = Stopwatch.StartNew();
    tokenizer.EncodeIds(word, ids);
    Console.WriteLine($"one word of {length,9:N0} characters: {clock.Elapsed.TotalMilliseconds,7:F0} ms");
}
return 0;
