using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Tests.Tokenization;

public sealed class SplitPatternTests
{
    private const string Llama3 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Qwen2 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    [Theory]
    [InlineData(Gpt2Splitter.Pattern)]
    [InlineData(Llama3)]
    [InlineData(Qwen2)]
    public void A_hand_written_splitter_finds_what_its_regular_expression_finds(string pattern)
    {
        ITextPattern splitter = pattern == Gpt2Splitter.Pattern ? Gpt2Splitter.Instance : Cl100kSplitter.For(pattern)!;
        var regex = new RegexPattern(pattern);
        foreach (var text in RandomText.Many(seed: 7, count: 1500)) Assert.Equal(Shown(regex.Find(text), text), Shown(splitter.Find(text), text));
    }

    [Theory]
    [InlineData("I'm 12 'll'S", "I|'m| 12| '|ll|'|S", "I|'m| |12| '|ll|'S")]
    [InlineData("a  b\n\n c \n", "a| | b|\n\n| c| \n", "a| | b|\n\n| c| \n")]
    [InlineData("12345!!\r\nx", "12345|!!|\r|\n|x", "123|45|!!\r\n|x")]
    [InlineData("\tx (y) 𝔘𝟘😀", "\t|x| (|y|)| 𝔘|𝟘|😀", "\tx| (|y|)| 𝔘|𝟘|😀")]
    [InlineData("a'\u017f \u00a0\u3000z", "a|'|\u017f| \u00a0|\u3000|z", "a|'\u017f| \u00a0|\u3000z")]
    public void Splitters_cut_as_the_reference_does(string text, string gpt2, string llama3)
    {
        Assert.Equal(gpt2.Split('|'), Gpt2Splitter.Instance.Find(text).Select(range => text[range.Start..range.End]));
        Assert.Equal(llama3.Split('|'), Cl100kSplitter.For(Llama3)!.Find(text).Select(range => text[range.Start..range.End]));
    }

    [Theory]
    [InlineData("😀", "a😀b😀", "[a]😀[b]😀")]
    [InlineData(".", "a😀\n", "a,😀[\n]")]
    [InlineData(@"\p{Han}+", "ab日本😀", "[ab]日本[😀]")]
    [InlineData(@"\p{^Han}", "日b", "[日]b")]
    [InlineData(@"[^\P{L}a-c]", "abcd1", "[abc]d[1]")]
    [InlineData(@"[a-z&&[^aeiou]]+", "based", "b[a]s[e]d")]
    [InlineData(@"\bin\b", "in inn in", "in[ inn ]in")]
    [InlineData(@"^b|b$", "b\nb cb", "b[\n]b[ c]b")]
    [InlineData(@"(?<=a)b(?!c)", "ab abc", "[a]b[ abc]")]
    [InlineData(@"a{2}+", "aaaaa", "aaaa[a]")]
    [InlineData(@"a++a|b", "aab", "[aa]b")]
    [InlineData(@"\x61|\u0062|\x{1F600}", "ab😀", "a,b,😀")]
    [InlineData(@"(?i)k|å", "K", null)]
    [InlineData(@"(?i)[kå]", "Kk\u212A\u212BÅ", "K,k,\u212A,\u212B,Å")]
    [InlineData(@"x*", "axx😀", "[a]xx[😀]")]
    [InlineData("(?x) a # comment\n b", "ab", "ab")]
    [InlineData(@"\h+", "0fgG", "0f[gG]")]
    [InlineData(@"[[:digit:]]+", "a12٣", "[a]12٣")]
    [InlineData(@"\w+", "a²-½x٣", "a²[-]½x٣")]
    [InlineData(@" {2,}", "a   b c", "[a]   [b c]")]
    [InlineData(@"a{,2}", "aaab", "aa,a[b]")]
    public void Regular_expressions_mean_what_they_mean_to_oniguruma(string pattern, string text, string? expected)
    {
        if (expected is null)
        {
            Assert.Throws<FormatException>(() => new RegexPattern(pattern));
            return;
        }
        Assert.Equal(expected, Shown(new RegexPattern(pattern).Find(text), text));
    }

    [Theory]
    [InlineData(@"a\1", @"has the escape '\1', which is not supported, at character 2 of the regular expression 'a\1'")]
    [InlineData(@"(?i)ss", "ignores case in a text whose folding is not supported, at character 6 of the regular expression '(?i)ss'")]
    [InlineData(@"\p{Klingon}", @"has the property 'Klingon', which is not supported, at character 11 of the regular expression '\p{Klingon}'")]
    [InlineData("(a", "has a '(' without ')' at character 2 of the regular expression '(a'")]
    [InlineData("a)", "has a ')' without '(' at character 1 of the regular expression 'a)'")]
    [InlineData("[a", "has a class without ']' at character 2 of the regular expression '[a'")]
    [InlineData("*a", "repeats nothing at character 0 of the regular expression '*a'")]
    [InlineData("[b-a]", "has a range that does not go upwards at character 4 of the regular expression '[b-a]'")]
    [InlineData(@"a\", @"has the escape '\', which is not supported, at character 2 of the regular expression 'a\'")]
    public void What_is_not_understood_is_named(string pattern, string message)
    {
        var error = Assert.Throws<FormatException>(() => new RegexPattern(pattern));
        Assert.Equal(message, error.Message.Replace("\0", "", StringComparison.Ordinal));
    }

    [Fact]
    public void Deep_nesting_is_refused()
    {
        var error = Assert.Throws<FormatException>(() => new RegexPattern(new string('(', 5000) + new string(')', 5000)));
        Assert.StartsWith("nests groups more than 64 deep at character ", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<FormatException>(() => new RegexPattern(new string('[', 5000)));
        Assert.StartsWith("nests classes more than 64 deep at character ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Removed", "the|final|countdown")]
    [InlineData("Isolated", "the|-|final|-|-|countdown")]
    [InlineData("MergedWithPrevious", "the-|final-|-|countdown")]
    [InlineData("MergedWithNext", "the|-final|-|-countdown")]
    [InlineData("Contiguous", "the|-|final|--|countdown")]
    public void Delimiters_go_where_the_behaviour_says(string behavior, string expected)
    {
        const string text = "the-final--countdown";
        var ranges = Enum.Parse<SplitBehavior>(behavior).Apply(new LiteralPattern("-").Find(text));
        Assert.Equal(expected, string.Join('|', ranges.Select(range => text[range.Start..range.End])));
    }

    private static string Shown(IEnumerable<Understudy.Tokenization.TextRange> ranges, string text)
    {
        var shown = "";
        var previousWasMatch = false;
        foreach (var range in ranges)
        {
            if (range.IsMatch && previousWasMatch) shown += ",";
            shown += range.IsMatch ? text[range.Start..range.End] : $"[{text[range.Start..range.End]}]";
            previousWasMatch = range.IsMatch;
        }
        return shown;
    }
}
