using Understudy.Parity;
using Understudy.Tokenization;

namespace Understudy.Tests.Tokenization;

/// <summary>The components of SentencePiece-like tokenizers in many settings, each with the outputs of the reference library.</summary>
public sealed class VariantsTests
{
    private static readonly string Root = Path.Combine("Fixtures", "tokenizers", "variants");

    public static TheoryData<string> Names => [.. Directory.GetDirectories(Root).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    [Fact]
    public void There_are_23_settings() => Assert.Equal(23, Names.Count);

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_case_equals_the_reference(string name) => AssertAllPass(Path.Combine(Root, name));

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_saved_equals_the_reference_and_saves_to_the_same_bytes(string name)
    {
        using var folder = new TemporaryFolder();
        File.Copy(Path.Combine(Root, name, "cases.json"), folder["cases.json"]);
        Tokenizer.FromFolder(Path.Combine(Root, name)).Save(folder["tokenizer.json"]);
        AssertAllPass(folder.FullName);
        Tokenizer.FromFile(folder["tokenizer.json"]).Save(folder["again.json"]);
        Assert.Equal(File.ReadAllBytes(folder["tokenizer.json"]), File.ReadAllBytes(folder["again.json"]));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Random_text_gives_offsets_in_the_text_and_the_ids_of_the_fast_path(string name)
    {
        var tokenizer = Tokenizer.FromFolder(Path.Combine(Root, name));
        foreach (var text in RandomText.Many(seed: 21, count: 60))
        {
            var encoding = tokenizer.Encode(text);
            Assert.All(encoding.Offsets, range => Assert.True(range.Start >= 0 && range.Start <= range.End && range.End <= text.Length));
            var ids = new List<int>();
            tokenizer.EncodeIds(text, ids);
            Assert.Equal(encoding.Ids, ids);
        }
    }

    private static void AssertAllPass(string folder)
    {
        var checks = TokenizerParity.Run(folder);
        Assert.Equal(["tokenizer.encode", "tokenizer.encode_plain", "tokenizer.pairs", "tokenizer.decode"], checks.Select(check => check.Name));
        Assert.All(checks, check => Assert.True(check.Verdict == ParityVerdict.Passed, $"{check.Name}: {check.Note}"));
    }
}
