using System.Text;
using Understudy.Tokenization;

namespace Understudy.Tests.Tokenization;

public sealed class TokenBytesTests
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static TheoryData<string> All =>
        [.. Directory.EnumerateFiles(Path.Combine("Fixtures", "tokenizers"), "tokenizer.json", SearchOption.AllDirectories).Select(file => Path.GetDirectoryName(file)!).Order()];

    [Fact]
    public void Every_fixture_is_there() => Assert.InRange(All.Count, 30, 100);

    [Theory]
    [MemberData(nameof(All))]
    public void The_bytes_of_the_tokens_are_those_of_the_decoded_text(string folder)
    {
        var tokenizer = Tokenizer.FromFolder(folder);
        var bytes = tokenizer.TokenBytes;
        var random = new Random(4);
        int[] text = [.. Enumerable.Range(0, bytes.Count).Where(bytes.IsText)];
        var compared = 0;
        foreach (var sentence in RandomText.Many(seed: 9, count: 300))
        {
            var ids = tokenizer.Encode(sentence, addSpecialTokens: false).Ids.Where(bytes.IsText).ToList();
            for (var n = random.Next(4); n > 0; n--) ids.Insert(random.Next(ids.Count + 1), text[random.Next(text.Length)]);
            var joined = ids.SelectMany((id, i) => bytes.Of(id, i == 0).ToArray()).ToArray();
            try
            {
                Assert.Equal(Strict.GetString(joined), tokenizer.Decode([.. ids]));
                compared++;
            }
            catch (DecoderFallbackException)
            {
                // A random token is half a character; what decoding makes of that is its own affair.
            }
        }

        Assert.InRange(compared, 50, 300);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Special_tokens_and_ids_of_no_token_are_no_text(string folder)
    {
        var tokenizer = Tokenizer.FromFolder(folder);
        var bytes = tokenizer.TokenBytes;
        Assert.All(tokenizer.SpecialTokens.All.Where(token => token.Id is not null), token => Assert.False(bytes.IsText(token.Id!.Value)));
        Assert.All(tokenizer.AddedTokens, token => Assert.Equal(!token.Value.Special, bytes.IsText(token.Key)));
        foreach (var id in new[] { -1, bytes.Count, int.MaxValue, int.MinValue })
        {
            Assert.False(bytes.IsText(id));
            Assert.Empty(bytes.Of(id).ToArray());
        }
    }

    [Fact]
    public void The_first_space_of_sentencepiece_is_left_out()
    {
        var llama = Bytes("llama2-style", out var ids);
        Assert.Equal(("", " "), (Text(llama, ids("▁"), true), Text(llama, ids("▁"), false)));
        Assert.True(llama.IsText(ids("▁")));
        Assert.Equal(("the", " the"), (Text(llama, ids("▁the"), true), Text(llama, ids("▁the"), false)));
        Assert.Equal([0xE2], llama.Of(ids("<0xE2>")).ToArray());
        var t5 = Bytes("t5-style", out ids);
        Assert.Equal(("the", " the"), (Text(t5, ids("▁the"), true), Text(t5, ids("▁the"), false)));
    }

    [Fact]
    public void Words_of_wordpiece_have_a_space_before_them_but_for_the_first()
    {
        var bytes = Bytes("wordpiece-cased", out var ids);
        Assert.Equal(("the", " the"), (Text(bytes, ids("the"), true), Text(bytes, ids("the"), false)));
        Assert.Equal((".", "."), (Text(bytes, ids("."), true), Text(bytes, ids("."), false)));
        Assert.Equal("s", Text(bytes, ids("##s"), false));
    }

    [Fact]
    public void Added_tokens_that_are_not_special_are_text()
    {
        var bytes = Bytes("neox-style", out var ids);
        Assert.Equal("    ", Text(bytes, ids("    "), false));
    }

    [Fact]
    public void A_decoder_that_looks_ahead_is_refused_by_name()
    {
        using var folder = new TemporaryFolder();
        var path = folder["tokenizer.json"];
        File.WriteAllText(path, """{"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": {"a</w>": 0}, "merges": []}, "decoder": {"type": "BPEDecoder", "suffix": "</w>"}}""");
        Assert.Equal(
            "The tokenizer's decoder leaves the space for '</w>' out after the last token, so its tokens have no bytes of their own. Supported are ByteLevel, WordPiece, Metaspace, Replace, Strip and ByteFallback, the last with nothing after it but Fuse and one Strip of one character at the beginning.",
            Assert.Throws<NotSupportedException>(() => Tokenizer.FromFile(path).TokenBytes).Message);
    }

    private static string Text(TokenBytes bytes, int id, bool isFirst) => Strict.GetString(bytes.Of(id, isFirst));

    private static TokenBytes Bytes(string name, out Func<string, int> ids)
    {
        var tokenizer = Tokenizer.FromFolder(Path.Combine("Fixtures", "tokenizers", name));
        ids = token => tokenizer.TokenToId(token) ?? throw new InvalidOperationException($"{name} has no token '{token}'.");
        return tokenizer.TokenBytes;
    }
}
