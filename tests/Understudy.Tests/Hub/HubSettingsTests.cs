using Understudy.Hub;

namespace Understudy.Tests.Hub;

public sealed class HubSettingsTests
{
    private static HubSettings Read(params (string Name, string Value)[] variables) =>
        HubSettings.FromEnvironment(name => variables.FirstOrDefault(variable => variable.Name == name).Value);

    [Fact]
    public void The_folders_are_those_of_the_Python_library()
    {
        Assert.Equal("/home/a/.cache/huggingface/hub", Read(("HOME", "/home/a")).CacheFolder);
        Assert.Equal("/cache/huggingface/hub", Read(("HOME", "/home/a"), ("XDG_CACHE_HOME", "/cache")).CacheFolder);
        Assert.Equal("/home/a/hf/hub", Read(("HOME", "/home/a"), ("HF_HOME", "~/hf"), ("XDG_CACHE_HOME", "/cache")).CacheFolder);
        Assert.Equal("/models", Read(("HF_HOME", "/hf"), ("HF_HUB_CACHE", "/models"), ("HUGGINGFACE_HUB_CACHE", "/old")).CacheFolder);
        Assert.Equal("/old", Read(("HF_HOME", "/hf"), ("HUGGINGFACE_HUB_CACHE", "/old")).CacheFolder);
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("true", true)]
    [InlineData("ON", true)]
    [InlineData("0", false)]
    [InlineData("", false)]
    public void Offline_is_switched_as_there(string value, bool expected)
    {
        Assert.Equal(expected, Read(("HOME", "/"), ("HF_HUB_OFFLINE", value)).Offline);
        Assert.Equal(expected, Read(("HOME", "/"), ("TRANSFORMERS_OFFLINE", value)).Offline);
    }

    [Fact]
    public void The_token_is_that_of_the_environment_or_of_its_file()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(Read(("HF_HOME", folder.FullName)).Token);
        File.WriteAllText(folder["token"], " hf_file\n");
        Assert.Equal(("hf_file", folder["token"]), (Read(("HF_HOME", folder.FullName)).Token, Read(("HF_HOME", folder.FullName)).TokenSource));
        Assert.Equal(("hf_named", "HF_TOKEN"), (Read(("HF_HOME", folder.FullName), ("HF_TOKEN", "hf_named ")).Token, Read(("HF_HOME", folder.FullName), ("HF_TOKEN", "hf_named ")).TokenSource));
        File.WriteAllText(folder["other"], "hf_other");
        Assert.Equal("hf_other", Read(("HF_HOME", folder.FullName), ("HF_TOKEN_PATH", folder["other"])).Token);
        var fault = Assert.Throws<HubException>(() => Read(("HF_HOME", folder.FullName), ("HF_TOKEN", "hf_a\r\nX: hf_b")));
        Assert.Equal("HF_TOKEN: expected a token of visible ASCII characters, found others in it. Copy the token again.", fault.Message);
        File.WriteAllText(folder["token"], new string('x', 5000));
        Assert.Equal($"{folder["token"]}: expected a token, found a file of more than 4096 bytes. Write the token alone into it, or remove it.", Assert.Throws<HubException>(() => Read(("HF_HOME", folder.FullName))).Message);
    }

    [Fact]
    public void The_endpoint_is_an_address_without_a_password()
    {
        Assert.Equal("https://huggingface.co/", Read(("HOME", "/")).Endpoint.ToString());
        Assert.Equal("https://mirror.example/hub", Read(("HOME", "/"), ("HF_ENDPOINT", "https://mirror.example/hub/")).Endpoint.ToString());
        Assert.All(["ftp://a", "huggingface.co", "https://a/?x=1"], value => Assert.Equal(
            "HF_ENDPOINT: expected the address of a server, for example https://huggingface.co, found something else. Set it to one, or remove it.",
            Assert.Throws<HubException>(() => Read(("HOME", "/"), ("HF_ENDPOINT", value))).Message));
        var fault = Assert.Throws<HubException>(() => Read(("HOME", "/"), ("HF_ENDPOINT", "https://me:secret@a")));
        Assert.Equal("HF_ENDPOINT: expected an address without a user's name and password, found one with them. Remove them; HF_TOKEN says who asks.", fault.Message);
    }
}
