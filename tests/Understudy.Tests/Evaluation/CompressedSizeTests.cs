using System.IO.Compression;
using System.Text;
using Understudy.Evaluation;

namespace Understudy.Tests.Evaluation;

public sealed class CompressedSizeTests
{
    private static readonly byte[] Text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 20_000).Select(i => $"line {i * 7919 % 10007}\n")));

    [Fact]
    public void Gzip_is_at_its_best_level()
    {
        using var fast = new MemoryStream();
        using (var gzip = new GZipStream(fast, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(Text);
        Assert.InRange(CompressedSize.Gzip(Text), 1000, fast.Length - 1);
    }

    [Fact]
    public void Without_its_program_xz_has_no_size() => Assert.Null(CompressedSize.Xz(Text, "there-is-no-such-program"));

    // 'cat' refuses xz's options, and has not read what it was given.
    [Fact]
    public void A_program_that_fails_has_no_size() => Assert.Null(CompressedSize.Xz(Text, "cat"));

    [Fact]
    public void Where_there_is_xz_it_packs_tighter_than_gzip()
    {
        var there = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "xz")));
        if (there) Assert.InRange(CompressedSize.Xz(Text)!.Value, 1000, CompressedSize.Gzip(Text) - 1);
        else Assert.Null(CompressedSize.Xz(Text));
    }
}
