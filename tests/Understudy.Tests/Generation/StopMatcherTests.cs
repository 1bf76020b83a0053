using System.Text;
using Understudy.Generation;

namespace Understudy.Tests.Generation;

public sealed class StopMatcherTests
{
    // Token = byte, as in a byte-level vocabulary: characters beyond ASCII take several tokens.
    private static readonly Func<ReadOnlySpan<int>, string> Bytes = ids =>
    {
        var bytes = new byte[ids.Length];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)ids[i];
        return Encoding.UTF8.GetString(bytes);
    };

    [Fact]
    public void A_stop_token_ends_the_text_and_is_not_part_of_it()
    {
        var (reason, text, taken) = Run("abc\0def", new StopCondition([0], [], 100, Bytes));
        Assert.Equal((FinishReason.StopToken, "abc", 4), (reason, text, taken));
    }

    [Fact]
    public void A_stop_string_is_found_across_tokens_and_cut_off()
    {
        Assert.Equal((FinishReason.StopString, "one ", 7), Run("one END two", new StopCondition([], ["END", "never"], 100, Bytes)));
        Assert.Equal((FinishReason.StopString, "aab", 6), Run("aabaac", new StopCondition([], ["aac"], 100, Bytes)));
    }

    [Fact]
    public void The_first_of_several_stop_strings_counts()
    {
        string[] tokens = ["x", "abcd", "y"];
        var matcher = new StopCondition([], ["cd", "bc"], 9, ids => string.Concat(ids.ToArray().Select(id => tokens[id]))).NewRow();
        Assert.False(matcher.Append(0));
        Assert.True(matcher.Append(1));
        Assert.Equal("xa", matcher.Text());
    }

    [Fact]
    public void Characters_of_several_tokens_are_put_together_first()
    {
        Assert.Equal((FinishReason.StopString, "grün", 8), Run("grün→ und", new StopCondition([], ["→"], 100, Bytes)));
        Assert.Equal((FinishReason.Length, "gr\uFFFD", 3), Run("grün", new StopCondition([], ["ü"], 3, Bytes)));
    }

    [Fact]
    public void Bytes_that_never_become_a_character_do_not_hide_a_stop_string()
    {
        var matcher = new StopCondition([], ["!"], 1000, Bytes).NewRow();
        for (var i = 0; i < 100; i++) Assert.False(matcher.Append(0xFF));
        Assert.True(matcher.Append('!'));
        Assert.Equal(FinishReason.StopString, matcher.Finished);
        Assert.Equal(new string('\uFFFD', 100), matcher.Text());
    }

    [Fact]
    public void A_decoder_that_puts_spaces_between_words_is_followed()
    {
        string[] words = ["the", "end", "of", "it"];
        var matcher = new StopCondition([], ["end of"], 10, ids => string.Join(' ', ids.ToArray().Select(id => words[id]))).NewRow();
        Assert.False(matcher.Append(0));
        Assert.False(matcher.Append(1));
        Assert.True(matcher.Append(2));
        Assert.Equal("the ", matcher.Text());
    }

    [Fact]
    public void The_length_ends_a_row_at_the_smaller_of_both_limits()
    {
        var condition = new StopCondition([], [], 5, Bytes);
        Assert.Equal((FinishReason.Length, "abcde", 5), Run("abcdefg", condition));
        var row = condition.NewRow(room: 2);
        Assert.False(row.Append('a'));
        Assert.True(row.Append('b'));
        Assert.Equal("The row has ended; no token can follow.", Assert.Throws<InvalidOperationException>(() => row.Append('c')).Message);
    }

    [Fact]
    public void Long_texts_take_linear_time()
    {
        var decoded = 0L;
        var matcher = new StopCondition([], ["stop"], 1_000_000, ids =>
        {
            decoded += ids.Length;
            return Bytes(ids);
        }).NewRow();
        for (var i = 0; i < 20_000; i++) matcher.Append('a');
        Assert.InRange(decoded, 1, 100_000);
    }

    [Fact]
    public void Refuses_an_empty_stop_string()
    {
        Assert.Equal(
            "A stop string needs at least one character; found an empty one. (Parameter 'stopStrings')",
            Assert.Throws<ArgumentException>(() => new StopCondition([], [""], 1, Bytes)).Message);
    }

    private static (FinishReason? Reason, string Text, int Taken) Run(string text, StopCondition condition)
    {
        var matcher = condition.NewRow();
        foreach (var token in Encoding.UTF8.GetBytes(text))
        {
            if (matcher.Append(token)) break;
        }

        return (matcher.Finished, matcher.Text(), matcher.Tokens.Count);
    }
}
