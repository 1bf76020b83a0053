using Understudy.Recipes;

namespace Understudy.Tests.Recipes;

public sealed class SpokenTextTests
{
    [Theory]
    [InlineData("What's the weather in New-York, please?", "what's the weather in new york please")]
    [InlineData("  'Quoted'  --  the Smiths' dog. ", "quoted the smiths dog")]
    [InlineData("It\u2019s 3.14\t%", "it's 3 14")]
    [InlineData("ÉCOLE \U0001F40E e\u0301", "école \U0001F40E e\u0301")]
    [InlineData("हिन्दी में", "हिन्दी में")]
    [InlineData("... !?", "")]
    [InlineData("", "")]
    [InlineData("'", "")]
    public void Text_is_written_as_speech_recognition_writes(string text, string expected) => Assert.Equal(expected, SpokenText.Of(text));
}
