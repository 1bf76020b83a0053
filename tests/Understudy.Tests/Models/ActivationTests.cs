using System.Text.Json.Nodes;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

/// <summary>Activations at points computed from their definitions.</summary>
public sealed class ActivationTests
{
    [Theory]
    [InlineData("gelu", 1, 0.8413447)]
    [InlineData("gelu_new", 1, 0.8411920)]
    [InlineData("gelu_accurate", -2, -0.0454023)]
    [InlineData("gelu_10", 12, 10)]
    [InlineData("quick_gelu", 1, 0.8457958)]
    [InlineData("leaky_relu", -3, -0.03)]
    [InlineData("leaky_relu", 3, 3)]
    [InlineData("mish", 1, 0.8650984)]
    [InlineData("mish", 90, 90)]
    [InlineData("mish", -90, 0)]
    [InlineData("relu", -1, 0)]
    [InlineData("relu2", 3, 9)]
    [InlineData("relu6", 7, 6)]
    [InlineData("relu6", -7, 0)]
    [InlineData("silu", 1, 0.7310586)]
    [InlineData("sigmoid", 0, 0.5)]
    [InlineData("tanh", 1, 0.7615942)]
    [InlineData("linear", -4, -4)]
    public void Value_is_that_of_the_definition(string name, float x, double expected)
    {
        using var scope = torch.NewDisposeScope();
        Assert.Equal(expected, Activation.ByName(name, new ConfigJson(new JsonObject(), "config.json"))(torch.tensor([x])).item<float>(), 2e-6);
    }

    [Fact]
    public void Every_name_is_known()
    {
        using var scope = torch.NewDisposeScope();
        Assert.All(Activation.Names, name => Assert.NotNull(Activation.ByName(name, new ConfigJson(new JsonObject(), "config.json"))(torch.ones([2]))));
    }
}
